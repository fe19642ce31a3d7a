# pycaffe: the extension module, Caffe's Python files and the messages; and
# beside it _net64, nets in double precision.

Python3_add_library(pycaffe MODULE ${CAFFE_ROOT}/python/caffe/_caffe.cpp)
set_target_properties(pycaffe PROPERTIES OUTPUT_NAME _caffe)
target_compile_options(pycaffe PRIVATE -w)
Python3_add_library(net64 MODULE caffe_layers/python/net64.cpp)
set_target_properties(net64 PROPERTIES OUTPUT_NAME _net64)
# Boost.Python's own headers include deprecated ones of Boost.
target_compile_definitions(net64 PRIVATE BOOST_ALLOW_DEPRECATED_HEADERS)
foreach(_module pycaffe net64)
  set_target_properties(${_module} PROPERTIES
    SUFFIX .so INSTALL_RPATH "$ORIGIN/../../..")
  target_link_libraries(${_module} PRIVATE caffe boost_python Python3::NumPy)
endforeach()

set(PYCAFFE_DIR lib/python${Python3_VERSION_MAJOR}.${Python3_VERSION_MINOR}/site-packages/caffe)
install(DIRECTORY ${CAFFE_ROOT}/python/caffe/ DESTINATION ${PYCAFFE_DIR}
        FILES_MATCHING PATTERN "*.py" PATTERN "*.npy"
        PATTERN test EXCLUDE)
install(TARGETS pycaffe net64 LIBRARY DESTINATION ${PYCAFFE_DIR})
install(PROGRAMS ${CAFFE_ROOT}/python/classify.py ${CAFFE_ROOT}/python/draw_net.py
        DESTINATION bin)
install(FILES ${PROTO_PYTHON} DESTINATION ${PYCAFFE_DIR}/proto)
install(CODE "file(TOUCH \"\${CMAKE_INSTALL_PREFIX}/${PYCAFFE_DIR}/proto/__init__.py\")")

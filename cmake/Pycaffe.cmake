# pycaffe: the extension module, Caffe's Python files and the messages.

Python3_add_library(pycaffe MODULE ${CAFFE_ROOT}/python/caffe/_caffe.cpp)
set_target_properties(pycaffe PROPERTIES OUTPUT_NAME _caffe
  SUFFIX .so INSTALL_RPATH "$ORIGIN/../../..")
target_compile_options(pycaffe PRIVATE -w)
target_link_libraries(pycaffe PRIVATE caffe boost_python Python3::NumPy)

set(PYCAFFE_DIR lib/python${Python3_VERSION_MAJOR}.${Python3_VERSION_MINOR}/site-packages/caffe)
install(DIRECTORY ${CAFFE_ROOT}/python/caffe/ DESTINATION ${PYCAFFE_DIR}
        FILES_MATCHING PATTERN "*.py" PATTERN "*.npy"
        PATTERN test EXCLUDE)
install(TARGETS pycaffe LIBRARY DESTINATION ${PYCAFFE_DIR})
install(FILES ${PROTO_PYTHON} DESTINATION ${PYCAFFE_DIR}/proto)
install(CODE "file(TOUCH \"\${CMAKE_INSTALL_PREFIX}/${PYCAFFE_DIR}/proto/__init__.py\")")

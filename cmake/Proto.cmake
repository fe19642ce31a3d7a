# caffe.proto (patched) and drdl.proto, as C++ for libcaffe and as Python for
# pycaffe, from the same files.

find_package(Protobuf REQUIRED)

set(PROTO_DIR ${PROJECT_BINARY_DIR}/proto)
set(_sources ${CAFFE_ROOT}/src/caffe/proto/caffe.proto
    ${PROJECT_SOURCE_DIR}/caffe_layers/proto/caffe/proto/drdl.proto)
foreach(_source IN LISTS _sources)
  get_filename_component(_name ${_source} NAME_WE)
  list(APPEND _staged ${PROTO_DIR}/caffe/proto/${_name}.proto)
  list(APPEND PROTO_CPP ${PROTO_DIR}/caffe/proto/${_name}.pb.cc
              ${PROTO_DIR}/caffe/proto/${_name}.pb.h)
  list(APPEND PROTO_PYTHON ${PROTO_DIR}/caffe/proto/${_name}_pb2.py)
endforeach()

add_custom_command(
  OUTPUT ${PROTO_CPP} ${PROTO_PYTHON}
  COMMAND ${CMAKE_COMMAND} -E make_directory ${PROTO_DIR}/caffe/proto
  COMMAND ${CMAKE_COMMAND} -E copy ${_sources} ${PROTO_DIR}/caffe/proto
  COMMAND protobuf::protoc -I${PROTO_DIR} --cpp_out=${PROTO_DIR}
          --python_out=${PROTO_DIR} ${_staged}
  DEPENDS ${_sources}
  VERBATIM)

add_library(caffe_proto OBJECT ${PROTO_CPP})
target_compile_options(caffe_proto PRIVATE -w)
target_include_directories(caffe_proto SYSTEM PUBLIC ${PROTO_DIR})
target_link_libraries(caffe_proto PUBLIC protobuf::libprotobuf)

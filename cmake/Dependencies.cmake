# Collects everything libcaffe needs into the interface target
# caffe_dependencies, with Caffe's compile definitions.

add_library(caffe_dependencies INTERFACE)

# find_library that says which Debian package is missing.
function(drdl_find_library variable package)
  find_library(${variable} NAMES ${ARGN})
  if(NOT ${variable})
    message(FATAL_ERROR "library ${ARGN} not found\n  next: apt-get install "
            "${package}, or run tools/setup.sh")
  endif()
endfunction()

find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
find_package(GTest REQUIRED)
find_package(Boost 1.74 REQUIRED COMPONENTS system thread filesystem)
drdl_find_library(GLOG_LIBRARY libgoogle-glog-dev glog)
drdl_find_library(GFLAGS_LIBRARY libgflags-dev gflags)
drdl_find_library(OPENBLAS_LIBRARY libopenblas-dev openblas)
find_path(OPENBLAS_INCLUDE_DIR cblas.h PATH_SUFFIXES openblas
          x86_64-linux-gnu openblas-pthread REQUIRED)
add_library(gflags INTERFACE)
target_link_libraries(gflags INTERFACE ${GFLAGS_LIBRARY})

target_include_directories(caffe_dependencies SYSTEM INTERFACE
                           ${OPENBLAS_INCLUDE_DIR})
target_link_libraries(caffe_dependencies INTERFACE
  ${GLOG_LIBRARY} ${GFLAGS_LIBRARY} ${OPENBLAS_LIBRARY} Boost::system
  Boost::thread Boost::filesystem ZLIB::ZLIB Threads::Threads)
target_compile_definitions(caffe_dependencies INTERFACE
  CAFFE_VERSION=1.0.0 BOOST_BIND_GLOBAL_PLACEHOLDERS)

if(USE_OPENCV)
  # By library: OpenCV's CMake files stand in the large libopencv-dev.
  find_path(OPENCV_INCLUDE_DIR opencv2/core/core.hpp PATH_SUFFIXES opencv4
            REQUIRED)
  foreach(_module core imgproc imgcodecs)
    drdl_find_library(OPENCV_${_module} libopencv-${_module}-dev
                      opencv_${_module})
    target_link_libraries(caffe_dependencies INTERFACE ${OPENCV_${_module}})
  endforeach()
  target_include_directories(caffe_dependencies SYSTEM INTERFACE
                             ${OPENCV_INCLUDE_DIR})
  target_compile_definitions(caffe_dependencies INTERFACE USE_OPENCV)
endif()
if(USE_JPEG)
  find_package(JPEG REQUIRED)
  target_link_libraries(caffe_dependencies INTERFACE JPEG::JPEG)
  target_compile_definitions(caffe_dependencies INTERFACE USE_JPEG)
endif()
if(USE_LMDB)
  drdl_find_library(LMDB_LIBRARY liblmdb-dev lmdb)
  target_link_libraries(caffe_dependencies INTERFACE ${LMDB_LIBRARY})
  target_compile_definitions(caffe_dependencies INTERFACE USE_LMDB)
endif()
if(USE_LEVELDB)
  drdl_find_library(LEVELDB_LIBRARY libleveldb-dev leveldb)
  drdl_find_library(SNAPPY_LIBRARY libsnappy-dev snappy)
  target_link_libraries(caffe_dependencies INTERFACE ${LEVELDB_LIBRARY}
                        ${SNAPPY_LIBRARY})
  target_compile_definitions(caffe_dependencies INTERFACE USE_LEVELDB)
endif()
if(USE_HDF5)
  set(HDF5_PREFER_PARALLEL OFF)
  enable_language(C)  # FindHDF5 asks for it
  find_package(HDF5 REQUIRED COMPONENTS C HL)
  target_include_directories(caffe_dependencies SYSTEM INTERFACE
                             ${HDF5_INCLUDE_DIRS})
  target_link_libraries(caffe_dependencies INTERFACE ${HDF5_HL_LIBRARIES}
                        ${HDF5_LIBRARIES})
  target_compile_definitions(caffe_dependencies INTERFACE USE_HDF5)
endif()

if(BUILD_python OR BUILD_python_layer)
  find_package(Python3 3.11 REQUIRED
               COMPONENTS Interpreter Development.Module Development.Embed NumPy)
  set(_boost_python
      python${Python3_VERSION_MAJOR}${Python3_VERSION_MINOR})
  find_package(Boost 1.74 REQUIRED COMPONENTS ${_boost_python})
  add_library(boost_python INTERFACE)
  target_link_libraries(boost_python INTERFACE Boost::${_boost_python})
endif()
if(BUILD_python_layer)
  target_link_libraries(caffe_dependencies INTERFACE boost_python
                        Python3::Python)
  target_compile_definitions(caffe_dependencies INTERFACE WITH_PYTHON_LAYER)
endif()

if(CPU_ONLY)
  target_compile_definitions(caffe_dependencies INTERFACE CPU_ONLY)
elseif(CUDA_ON_CPU)
  include(caffe_layers/test/cuda_on_cpu/CudaOnCpu.cmake)
else()
  include(cmake/Cuda.cmake)
endif()

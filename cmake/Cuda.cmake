# CUDA, and cuDNN and NCCL where they are found. CMAKE_CUDA_ARCHITECTURES says
# for which GPUs (the cuda preset names them).

set(CMAKE_CUDA_RUNTIME_LIBRARY Shared)
enable_language(CUDA)
set(CMAKE_CUDA_STANDARD 17)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
find_package(CUDAToolkit REQUIRED)
target_link_libraries(caffe_dependencies INTERFACE
  CUDA::cudart CUDA::cublas CUDA::curand)

function(drdl_find_cuda_library name header library)
  if(NOT USE_${name})
    return()
  endif()
  find_path(${name}_INCLUDE_DIR ${header} HINTS ${CUDAToolkit_INCLUDE_DIRS})
  find_library(${name}_LIBRARY ${library} HINTS ${CUDAToolkit_LIBRARY_DIR})
  if(${name}_INCLUDE_DIR AND ${name}_LIBRARY)
    target_include_directories(caffe_dependencies SYSTEM INTERFACE
                               ${${name}_INCLUDE_DIR})
    target_link_libraries(caffe_dependencies INTERFACE ${${name}_LIBRARY})
    target_compile_definitions(caffe_dependencies INTERFACE USE_${name})
    message(STATUS "${name}: ${${name}_LIBRARY}")
  else()
    message(STATUS "${name}: not found, built without it")
  endif()
endfunction()
drdl_find_cuda_library(CUDNN cudnn.h cudnn)
drdl_find_cuda_library(NCCL nccl.h nccl)

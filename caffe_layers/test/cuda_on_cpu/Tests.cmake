# Tests that are run on cuda_on_cpu only.

# --- Its own test: cuda_on_cpu_test makes every fault that it claims to see.
set(_selftest ${CUDA_ON_CPU_DIR}/selftest)
cuda_on_cpu_sources(_faults ${_selftest}/faults.cu)
add_library(cuda_on_cpu_faults SHARED EXCLUDE_FROM_ALL ${_faults} ${_selftest}/host.cpp)
add_library(cuda_on_cpu_wrong_order SHARED EXCLUDE_FROM_ALL ${_selftest}/host.cpp ${_faults})
foreach(_library cuda_on_cpu_faults cuda_on_cpu_wrong_order)
  target_include_directories(${_library} PRIVATE ${_selftest})
  target_link_libraries(${_library} PRIVATE cuda_on_cpu)
  cuda_on_cpu_link_kernels(${_library})
endforeach()
add_executable(cuda_on_cpu_test EXCLUDE_FROM_ALL ${_selftest}/test_collectives.cpp
  ${_selftest}/test_cuda_on_cpu.cpp)
target_compile_definitions(cuda_on_cpu_test PRIVATE
  CUDA_ON_CPU_WRONG_ORDER="$<TARGET_FILE:cuda_on_cpu_wrong_order>")
target_link_libraries(cuda_on_cpu_test PRIVATE cuda_on_cpu_faults cuda_on_cpu
  GTest::gtest GTest::gtest_main ${CMAKE_DL_LIBS})
add_dependencies(cuda_on_cpu_test cuda_on_cpu_wrong_order)
add_test(NAME cuda_on_cpu_test COMMAND cuda_on_cpu_test)

# --- Upstream's tests of the layers and solvers of our nets. Their running time is
# spent in kernels, so they need only compile quickly.
set(_tests)
foreach(_what batch_norm_layer caffe_main common concat_layer convolution_layer
        gradient_based_solver im2col_layer inner_product_layer lrn_layer math_functions
        neuron_layer pooling_layer scale_layer softmax_layer softmax_with_loss_layer
        split_layer syncedmem)
  list(APPEND _tests ${CAFFE_ROOT}/src/caffe/test/test_${_what}.cpp)
endforeach()
cuda_on_cpu_sources(_im2col ${CAFFE_ROOT}/src/caffe/test/test_im2col_kernel.cu)
add_executable(caffe_test_emulated EXCLUDE_FROM_ALL ${_tests} ${_im2col})
set_target_properties(caffe_test_emulated PROPERTIES
  UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 6)
set_source_files_properties(${_im2col} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
target_compile_options(caffe_test_emulated PRIVATE -w -O0)
target_link_libraries(caffe_test_emulated PRIVATE caffe GTest::gtest)

# --- With our own tests: what only the emulated device can be made to do.
file(GLOB _ours CONFIGURE_DEPENDS ${CUDA_ON_CPU_DIR}/test_*.cpp)
target_sources(drdl_test PRIVATE ${_ours})

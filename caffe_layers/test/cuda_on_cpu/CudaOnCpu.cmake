# CUDA's sources compiled for the CPU, with stand-ins for CUDA and its libraries
# (README.md). Takes the place of cmake/Cuda.cmake where CUDA_ON_CPU is on.

set(CUDA_ON_CPU_DIR ${CMAKE_CURRENT_LIST_DIR})
file(GLOB _device CONFIGURE_DEPENDS ${CUDA_ON_CPU_DIR}/device/*.cpp
     ${CUDA_ON_CPU_DIR}/libraries/*.cpp)
add_library(cuda_on_cpu SHARED ${_device})
target_include_directories(cuda_on_cpu
  PUBLIC ${CUDA_ON_CPU_DIR}/include PRIVATE ${CUDA_ON_CPU_DIR}/device)
target_include_directories(cuda_on_cpu SYSTEM PRIVATE ${OPENBLAS_INCLUDE_DIR})
# It is asked about every access of every kernel.
target_compile_options(cuda_on_cpu PRIVATE -O2 -Wall -Wextra
  -Wno-unused-parameter -ftls-model=initial-exec)
target_link_libraries(cuda_on_cpu PRIVATE ${OPENBLAS_LIBRARY} ${CMAKE_DL_LIBS})
target_link_libraries(caffe_dependencies INTERFACE cuda_on_cpu)
if(USE_NCCL)
  target_compile_definitions(caffe_dependencies INTERFACE USE_NCCL)
endif()
if(USE_CUDNN)
  target_compile_definitions(caffe_dependencies INTERFACE USE_CUDNN)
endif()
install(TARGETS cuda_on_cpu LIBRARY DESTINATION lib)

# Kernels tell cuda_on_cpu their accesses by the calls that ThreadSanitizer's
# instrumentation makes; ThreadSanitizer itself is not linked.
set(CUDA_ON_CPU_OPTIONS -w -O1 -g1 -fsanitize=thread -D__CUDACC__
  -D__CUDACC_VER_MAJOR__=13 -D__CUDACC_VER_MINOR__=0 -D__CUDACC_VER_BUILD__=88)

# Gives the C++ files that stand for these .cu files.
function(cuda_on_cpu_sources result)
  foreach(_cu IN LISTS ARGN)
    get_filename_component(_name ${_cu} NAME)
    set(_cpp ${PROJECT_BINARY_DIR}/cuda_on_cpu/${_name}.cpp)
    add_custom_command(OUTPUT ${_cpp}
      COMMAND Python3::Interpreter ${CUDA_ON_CPU_DIR}/rewrite.py ${_cu} ${_cpp}
      DEPENDS ${_cu} ${CUDA_ON_CPU_DIR}/rewrite.py VERBATIM)
    list(APPEND _written ${_cpp})
  endforeach()
  set_source_files_properties(${_written} PROPERTIES
    COMPILE_OPTIONS "${CUDA_ON_CPU_OPTIONS}")
  set(${result} ${_written} PARENT_SCOPE)
endfunction()

# The same in files that include twelve each: a cold build takes a third of the time.
function(cuda_on_cpu_batches result)
  cuda_on_cpu_sources(_single ${ARGN})
  while(_single)
    list(SUBLIST _single 0 12 _batch)
    list(REMOVE_ITEM _single ${_batch})
    list(LENGTH _batches _number)
    set(_cpp ${PROJECT_BINARY_DIR}/cuda_on_cpu/batch_${_number}.cpp)
    set(_text)
    foreach(_included IN LISTS _batch)
      string(APPEND _text "#include \"${_included}\"\n")
    endforeach()
    file(CONFIGURE OUTPUT ${_cpp} CONTENT "${_text}" @ONLY)
    set_source_files_properties(${_cpp} PROPERTIES
      COMPILE_OPTIONS "${CUDA_ON_CPU_OPTIONS}" OBJECT_DEPENDS "${_batch}")
    list(APPEND _batches ${_cpp})
  endwhile()
  set(${result} ${_batches} PARENT_SCOPE)
endfunction()

# A template of a header is compiled into host code too, and the linker keeps the
# copy that it meets first: kernels' sources have to stand first in the library
# that holds them, and its calls must not go to copies in a program. Otherwise
# kernels run code that tells nothing, and faults go unseen.
function(cuda_on_cpu_link_kernels library)
  target_link_options(${library} PRIVATE -Wl,-Bsymbolic-functions)
endfunction()

# Takes CAFFE_CUDA_SOURCES and DRDL_CUDA_SOURCES, and leaves all as C++ in the
# second.
macro(cuda_on_cpu_replace_sources)
  list(FILTER CAFFE_CUDA_SOURCES EXCLUDE REGEX "/test/")
  # A macro of this header launches kernels.
  set(_header caffe/util/math_functions.hpp)
  set(_include ${PROJECT_BINARY_DIR}/cuda_on_cpu/include)
  add_custom_command(OUTPUT ${_include}/${_header}
    COMMAND Python3::Interpreter ${CUDA_ON_CPU_DIR}/rewrite.py
            ${CAFFE_ROOT}/include/${_header} ${_include}/${_header}
    DEPENDS ${CAFFE_ROOT}/include/${_header} ${CUDA_ON_CPU_DIR}/rewrite.py VERBATIM)
  cuda_on_cpu_batches(CAFFE_CUDA_SOURCES ${CAFFE_CUDA_SOURCES})
  set_property(SOURCE ${CAFFE_CUDA_SOURCES} APPEND PROPERTY
               COMPILE_OPTIONS "-iquote;${_include}")
  set_property(SOURCE ${CAFFE_CUDA_SOURCES} APPEND PROPERTY
               OBJECT_DEPENDS ${_include}/${_header})
  cuda_on_cpu_sources(DRDL_CUDA_SOURCES ${DRDL_CUDA_SOURCES})
  list(APPEND DRDL_CUDA_SOURCES ${CAFFE_CUDA_SOURCES})
  set(CAFFE_CUDA_SOURCES)
endmacro()

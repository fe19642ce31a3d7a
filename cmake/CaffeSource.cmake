# Unpacks the pinned Caffe source and applies our patches to it; again from the
# start when either changes, so that no stale file is left. Sets CAFFE_ROOT.

set(CAFFE_SHA256
    e0eb3f06794f7402c77b7dec8e8480273ee1a1bb192e9122b621a69d4147ad0c)
set(CAFFE_SOURCE_TARBALL "" CACHE FILEPATH
    "The pinned Caffe tarball (tools/setup.sh fetches it)")
set(CAFFE_SOURCE_DIR "" CACHE PATH
    "A checkout of BVLC Caffe to use in place of the tarball")

file(GLOB CAFFE_PATCHES CONFIGURE_DEPENDS
     ${PROJECT_SOURCE_DIR}/caffe_layers/patches/*.patch)
list(SORT CAFFE_PATCHES)
if(NOT CPU_ENGINE)
  list(FILTER CAFFE_PATCHES EXCLUDE REGEX "-cpu-engine\\.patch$")
endif()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
             ${CAFFE_PATCHES})

if(CAFFE_SOURCE_DIR)
  if(NOT EXISTS ${CAFFE_SOURCE_DIR}/src/caffe/proto/caffe.proto)
    message(FATAL_ERROR "CAFFE_SOURCE_DIR holds no Caffe source\n"
            "  where: ${CAFFE_SOURCE_DIR}\n"
            "  next: give the top folder of a BVLC Caffe checkout")
  endif()
  set(_origin ${CAFFE_SOURCE_DIR})
elseif(EXISTS "${CAFFE_SOURCE_TARBALL}")
  file(SHA256 ${CAFFE_SOURCE_TARBALL} _sha256)
  if(NOT _sha256 STREQUAL CAFFE_SHA256)
    message(FATAL_ERROR "not the pinned Caffe source\n"
            "  where: ${CAFFE_SOURCE_TARBALL}, sha256 ${_sha256}\n"
            "  next: delete the file and run tools/setup.sh, which fetches "
            "the one with sha256 ${CAFFE_SHA256}")
  endif()
  set(_origin ${CAFFE_SHA256})
else()
  message(FATAL_ERROR "no Caffe source\n"
          "  where: CAFFE_SOURCE_TARBALL='${CAFFE_SOURCE_TARBALL}'\n"
          "  next: run tools/setup.sh, or pass -DCAFFE_SOURCE_TARBALL= or "
          "-DCAFFE_SOURCE_DIR=")
endif()

foreach(_patch IN LISTS CAFFE_PATCHES)
  file(SHA256 ${_patch} _sha256)
  string(APPEND _origin " ${_sha256}")
endforeach()
string(SHA256 _origin "${_origin}")
set(CAFFE_ROOT ${PROJECT_BINARY_DIR}/caffe-source)
set(_stamp ${CAFFE_ROOT}/drdl.stamp)
set(_present "")
if(EXISTS ${_stamp})
  file(READ ${_stamp} _present)
endif()

if(NOT _present STREQUAL _origin)
  file(REMOVE_RECURSE ${CAFFE_ROOT})
  if(CAFFE_SOURCE_DIR)
    file(COPY ${CAFFE_SOURCE_DIR}/ DESTINATION ${CAFFE_ROOT}
         PATTERN .git EXCLUDE)
  else()
    # TOUCH: files as old as the tarball would not be compiled again.
    file(ARCHIVE_EXTRACT INPUT ${CAFFE_SOURCE_TARBALL}
         DESTINATION ${CAFFE_ROOT} TOUCH)
  endif()
  foreach(_patch IN LISTS CAFFE_PATCHES)
    execute_process(COMMAND patch -p1 --fuzz=0 --silent -i ${_patch}
                    WORKING_DIRECTORY ${CAFFE_ROOT}
                    RESULT_VARIABLE _failed OUTPUT_VARIABLE _output
                    ERROR_VARIABLE _output)
    if(_failed)
      message(FATAL_ERROR "a patch does not apply\n  where: ${_patch}\n"
              "${_output}\n  next: use the pinned Caffe source, commit 99bd997")
    endif()
  endforeach()
  file(WRITE ${_stamp} ${_origin})
endif()

#include "drdl/jpeg.hpp"

#include <csetjmp>
#include <cstdio>  // jpeglib.h needs it
#include <cstring>

#ifdef USE_JPEG
#include <jpeglib.h>
#endif

namespace drdl {

#if defined(USE_JPEG) && defined(JCS_EXTENSIONS)

namespace {

struct Errors : jpeg_error_mgr {
  jmp_buf stop;
};

void Stop(j_common_ptr decoder) {
  longjmp(static_cast<Errors*>(decoder->err)->stop, 1);
}

void KeepQuiet(j_common_ptr) {}

bool HasExif(const jpeg_decompress_struct& decoder) {
  for (jpeg_saved_marker_ptr marker = decoder.marker_list; marker != nullptr;
       marker = marker->next) {
    if (marker->data_length >= 4 && memcmp(marker->data, "Exif", 4) == 0) {
      return true;
    }
  }
  return false;
}

}  // namespace

bool DecodeJpeg(const std::string& bytes, cv::Mat* image) {
  const int kMostPixels = 1 << 28;
  jpeg_decompress_struct decoder = {};
  Errors errors;
  decoder.err = jpeg_std_error(&errors);
  errors.error_exit = Stop;
  errors.output_message = KeepQuiet;
  volatile bool whole = false;
  // Nothing with a destructor may begin to live below: Stop jumps back here.
  if (setjmp(errors.stop) == 0) {
    jpeg_create_decompress(&decoder);
    jpeg_mem_src(&decoder, reinterpret_cast<const unsigned char*>(bytes.data()),
                 bytes.size());
    jpeg_save_markers(&decoder, JPEG_APP0 + 1, 4);
    jpeg_read_header(&decoder, TRUE);
    if (decoder.jpeg_color_space == JCS_YCbCr && !HasExif(decoder) &&
        decoder.image_height <= kMostPixels / decoder.image_width) {
      decoder.out_color_space = JCS_EXT_BGR;
      jpeg_start_decompress(&decoder);
      image->create(decoder.output_height, decoder.output_width, CV_8UC3);
      while (decoder.output_scanline < decoder.output_height) {
        JSAMPROW row = image->ptr<uchar>(decoder.output_scanline);
        jpeg_read_scanlines(&decoder, &row, 1);
      }
      jpeg_finish_decompress(&decoder);
      whole = errors.num_warnings == 0;
    }
  }
  jpeg_destroy_decompress(&decoder);
  return whole;
}

#else

bool DecodeJpeg(const std::string&, cv::Mat*) { return false; }

#endif

}  // namespace drdl

#ifndef DRDL_JPEG_HPP_
#define DRDL_JPEG_HPP_

#include <opencv2/core/core.hpp>
#include <string>

namespace drdl {

/**
 * @brief Decodes an ordinary colour JPEG to the bytes that cv::imdecode gives,
 *        H x W x 3, BGR.
 *
 * libjpeg-turbo writes BGR by itself. OpenCV lets it write RGB and swaps two
 * channels afterwards, which in version 4.6 takes longer than the decoding.
 * @returns false for all that is cv::imdecode's to judge: no JPEG, a damaged
 *          one, other colour spaces, and EXIF, which may want the image turned
 */
bool DecodeJpeg(const std::string& bytes, cv::Mat* image);

}  // namespace drdl

#endif  // DRDL_JPEG_HPP_

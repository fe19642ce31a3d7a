#include <gtest/gtest.h>

#include <opencv2/imgcodecs/imgcodecs.hpp>
#include <string>
#include <vector>

#include "drdl/counter_rng.hpp"
#include "drdl/jpeg.hpp"

namespace drdl {
namespace {

/// Soft shades with hard-edged noise in one corner.
cv::Mat Picture(int height, int width, int type) {
  cv::Mat image(height, width, type);
  CounterRng rng(3, 0, height, width);
  for (int y = 0; y < height; ++y) {
    uchar* row = image.ptr<uchar>(y);
    for (int i = 0; i < width * image.channels(); ++i) {
      row[i] = y < height / 4 ? rng.Below(256) : (3 * y + i) % 256;
    }
  }
  return image;
}

std::string Encode(const std::string& kind, const cv::Mat& image,
                   const std::vector<int>& flags = {}) {
  std::vector<uchar> bytes;
  cv::imencode(kind, image, bytes, flags);
  return std::string(bytes.begin(), bytes.end());
}

cv::Mat ByOpenCv(const std::string& bytes) {
  return cv::imdecode(std::vector<uchar>(bytes.begin(), bytes.end()),
                      cv::IMREAD_COLOR);
}

TEST(JpegTest, TestGivesTheBytesOfOpenCv) {
  for (const cv::Size& size : {cv::Size(1, 1), cv::Size(23, 17),
                               cv::Size(64, 48), cv::Size(256, 256)}) {
    for (int quality : {5, 75, 94, 100}) {
      for (int progressive : {0, 1}) {
        const std::string bytes =
            Encode(".jpg", Picture(size.height, size.width, CV_8UC3),
                   {cv::IMWRITE_JPEG_QUALITY, quality,
                    cv::IMWRITE_JPEG_PROGRESSIVE, progressive});
        cv::Mat image;
        ASSERT_TRUE(DecodeJpeg(bytes, &image));
        ASSERT_EQ(image.type(), CV_8UC3);
        ASSERT_EQ(image.size(), size);
        EXPECT_EQ(cv::norm(image, ByOpenCv(bytes), cv::NORM_INF), 0)
            << size << " " << quality << " " << progressive;
      }
    }
  }
}

TEST(JpegTest, TestLeavesTheRestToOpenCv) {
  const std::string good = Encode(".jpg", Picture(64, 48, CV_8UC3));
  std::string exif = good, early_end = good, no_table = good;
  exif.insert(2, std::string("\xFF\xE1\x00\x0A"
                             "Exif\0\0\0\0",
                             12));
  early_end.replace(good.size() / 2, std::string::npos, "\xFF\xD9");
  no_table[good.find("\xFF\xDB") + 1] = '\xFE';  // a comment now
  cv::Mat image;
  ASSERT_TRUE(DecodeJpeg(good, &image));
  for (const std::string& other :
       {std::string(), std::string("\xFF\xD8"), std::string("no image"),
        Encode(".png", Picture(8, 8, CV_8UC3)),
        Encode(".jpg", Picture(8, 8, CV_8UC1)), exif, early_end, no_table,
        good.substr(0, good.size() / 2)}) {
    EXPECT_FALSE(DecodeJpeg(other, &image)) << other.size() << " bytes";
  }
  ASSERT_TRUE(DecodeJpeg(good, &image));  // and is none the worse for it
}

}  // namespace
}  // namespace drdl

// A net keeps the engines of the mode in which it was made.

#include <glog/logging.h>

#include <string>
#include <vector>

#include "caffe/net.hpp"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace caffe {

/// What is logged while it lives.
class Log : public google::LogSink {
 public:
  Log() { google::AddLogSink(this); }
  ~Log() override { google::RemoveLogSink(this); }
  void send(google::LogSeverity severity, const char*, const char*, int,
            const struct ::tm*, const char* message, size_t length) override {
    if (severity == google::GLOG_WARNING) {
      warnings.emplace_back(message, length);
    }
  }
  std::vector<std::string> warnings;
};

class EmulatedModeTest : public ::testing::Test {
 protected:
  EmulatedModeTest() {
    const char* text =
        "name: 'small' layer { name: 'data' type: 'DummyData' top: 'data' "
        "dummy_data_param { shape { dim: 2 dim: 3 } } } layer { name: 'relu' "
        "type: 'ReLU' bottom: 'data' top: 'data' }";
    CHECK(google::protobuf::TextFormat::ParseFromString(text, &param_));
    param_.mutable_state()->set_phase(TEST);
  }
  NetParameter param_;
};

TEST_F(EmulatedModeTest, TestOnTheGpuAfterItWasMadeForTheCpuIsWarnedOfOnce) {
  Caffe::set_mode(Caffe::CPU);
  Net<float> net(param_);
  Log log;
  net.Forward();
  EXPECT_TRUE(log.warnings.empty()) << log.warnings[0];
  Caffe::set_mode(Caffe::GPU);
  net.Forward();
  ASSERT_EQ(log.warnings.size(), 1);
  for (const char* part : {"net small", "made in CPU mode", "set_mode_gpu"}) {
    EXPECT_NE(log.warnings[0].find(part), std::string::npos) << part;
  }
  net.Forward();
  EXPECT_EQ(log.warnings.size(), 1);
}

TEST_F(EmulatedModeTest, TestTheModeThatItWasMadeInIsNotWarnedOf) {
  for (Caffe::Brew mode : {Caffe::CPU, Caffe::GPU}) {
    Caffe::set_mode(mode);
    Net<float> net(param_);
    Log log;
    net.Forward();
    EXPECT_TRUE(log.warnings.empty()) << log.warnings[0];
  }
}

}  // namespace caffe

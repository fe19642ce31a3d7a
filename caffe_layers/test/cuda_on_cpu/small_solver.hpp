// A solver of a small net with all that ours have: convolution, LRN, pooling,
// inner products, both losses over sets, the softmax of models, and a parameter
// that is not learned (the bias of the convolution).
#ifndef CUDA_ON_CPU_SMALL_SOLVER_HPP_
#define CUDA_ON_CPU_SMALL_SOLVER_HPP_

#include <memory>
#include <string>

#include "caffe/filler.hpp"
#include "caffe/sgd_solvers.hpp"
#include "google/protobuf/text_format.h"

namespace caffe {

/// In Caffe's mode at the time; inputs and weights are the same in either.
template <typename Dtype>
class SmallSolver {
 public:
  explicit SmallSolver(const std::string& more = "") {
    SolverParameter param;
    CHECK(google::protobuf::TextFormat::ParseFromString(
        Settings() + more + " net_param { name: 'small' " + Layers() + "}",
        &param));
    solver_.reset(new SGDSolver<Dtype>(param));
    FillerParameter filler;
    Caffe::set_random_seed(11);
    GaussianFiller<Dtype>(filler).Fill(blob("data"));
    for (int row = 0; row < 6; ++row) {  // two sets of 2 + 1
      set_id(row, row % 3 < 2 ? row / 3 : 7 + row);
      set_label(row, row % 4 - 1);  // one of them is ignored
    }
  }

  void Step(int iterations) { solver_->Step(iterations); }
  void set_id(int row, Dtype id) {
    blob("vehicle_id")->mutable_cpu_data()[row] = id;
  }
  void set_label(int row, Dtype label) {
    blob("model_id")->mutable_cpu_data()[row] = label;
  }
  Blob<Dtype>* blob(const std::string& name) {
    return net().blob_by_name(name).get();
  }
  Net<Dtype>& net() { return *solver_->net(); }
  const vector<Blob<Dtype>*>& params() { return net().learnable_params(); }
  /// All weights, one after the other.
  std::vector<Dtype> Weights() {
    std::vector<Dtype> all;
    for (Blob<Dtype>* param : params()) {
      const Dtype* data = param->cpu_data();
      all.insert(all.end(), data, data + param->count());
    }
    return all;
  }

 private:
  static std::string Settings() {
    return "base_lr: 0.05 momentum: 0.9 weight_decay: 0.01 lr_policy: 'fixed' "
           "max_iter: 1000 random_seed: 5 snapshot_after_train: false ";
  }
  static std::string Layers() {
    const std::string filler = "weight_filler { type: 'gaussian' std: 0.2 } ";
    const std::string product =
        "type: 'InnerProduct' inner_product_param { " + filler + "num_output: ";
    const std::string clusters =
        "type: 'CoupledClustersLoss' bottom: 'vehicle_id' "
        "coupled_clusters_loss_param { positives: 2 negatives: 1 margin: 1 } ";
    return "layer { name: 'data' type: 'Input' top: 'data' top: 'vehicle_id' "
           "top: 'model_id' input_param { shape { dim: 6 dim: 2 dim: 9 dim: 9 "
           "} shape { dim: 6 } shape { dim: 6 } } } "
           "layer { name: 'conv' param { } param { lr_mult: 0 } "
           "type: 'Convolution' bottom: 'data' top: "
           "'conv' convolution_param { num_output: 6 kernel_size: 3 " +
           filler +
           "} } layer { name: 'relu' type: 'ReLU' bottom: 'conv' top: 'conv' } "
           "layer { name: 'norm' type: 'LRN' bottom: 'conv' top: 'norm' } "
           "layer { name: 'pool' type: 'Pooling' bottom: 'norm' top: 'pool' "
           "pooling_param { kernel_size: 3 stride: 2 } } "
           "layer { name: 'fc' bottom: 'pool' top: 'fc' " +
           product + "5 } } layer { name: 'fc2' bottom: 'fc' top: 'fc2' " +
           product + "4 } } layer { name: 'model' bottom: 'fc' top: 'model' " +
           product +
           "3 } } layer { name: 'model_loss' type: 'SoftmaxWithLoss' bottom: "
           "'model' bottom: 'model_id' top: 'model_loss' loss_weight: 0.5 "
           "loss_param { ignore_label: -1 } } "
           "layer { name: 'unit' type: 'L2Normalize' bottom: 'fc2' top: 'unit' "
           "} layer { name: 'lower_loss' bottom: 'fc' top: 'lower_loss' " +
           clusters +
           "loss_weight: 0.5 } layer { name: 'loss' bottom: 'unit' top: 'loss' "
           "top: 'active' " +
           clusters + "} ";
  }
  std::unique_ptr<SGDSolver<Dtype> > solver_;
};

}  // namespace caffe

#endif  // CUDA_ON_CPU_SMALL_SOLVER_HPP_

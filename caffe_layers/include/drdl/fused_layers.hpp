#ifndef DRDL_FUSED_LAYERS_HPP_
#define DRDL_FUSED_LAYERS_HPP_
#ifndef CPU_ONLY

#include <memory>
#include <vector>

#include "caffe/layer.hpp"
#include "drdl/norm_pool.hpp"

namespace drdl {

/// Lets the nets that this process makes from now on fuse layers, as `caffe
/// train` does; not with CAFFE_FUSE_LAYERS=0 in the environment.
void FuseLayers(bool wanted = true);
bool FusesLayers();

/**
 * @brief A net's layers that are computed together on a GPU: a convolution's
 * bias, ReLU, LRN and MAX pooling, one after the other (NormPool).
 *
 * The blobs between them then hold nothing of use, so that only a process fuses
 * that looks at none of them, and only passes that go through all four layers.
 */
template <typename Dtype>
class FusedLayers {
 public:
  typedef std::vector<std::vector<caffe::Blob<Dtype>*> > Blobs;

  /// Finds the groups; the references have to live on.
  FusedLayers(
      const std::vector<caffe::shared_ptr<caffe::Layer<Dtype> > >& layers,
      const Blobs& bottoms, const Blobs& tops);
  ~FusedLayers();

  /// Before a forward pass: whether layers are fused from here to there.
  void Begin(int first, int last, bool on_gpu);
  /// Computes a fused group at its last layer; whether layer i is done with it.
  bool Forward(int i);
  /// The same of the pass back, at the group's last layer, which comes first.
  bool Backward(int i);

 private:
  struct Group;
  Group* At(int i) const;

  const std::vector<caffe::shared_ptr<caffe::Layer<Dtype> > >& layers_;
  const Blobs& bottoms_;
  const Blobs& tops_;
  std::vector<std::unique_ptr<Group> > groups_;
};

}  // namespace drdl

#endif  // CPU_ONLY
#endif  // DRDL_FUSED_LAYERS_HPP_

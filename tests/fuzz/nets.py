"""Small nets that have one of most things: what Caffe reads, as text."""

SIDE = 20  # pixels of the records
CROP = 16

_TRANSFORM = f"crop_size: {CROP} mirror: true scale: 0.0078125"

_BODY = """
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  param { lr_mult: 1 } param { lr_mult: 2 decay_mult: 0 }
  convolution_param { num_output: 4 kernel_size: 5 stride: 2 pad: 1 group: 1
    weight_filler { type: "msra" } bias_filler { type: "constant" value: 0.1 } } }
layer { name: "norm" type: "BatchNorm" bottom: "conv" top: "norm" }
layer { name: "relu" type: "ReLU" bottom: "norm" top: "norm" }
layer { name: "pool" type: "Pooling" bottom: "norm" top: "pool"
  pooling_param { pool: MAX kernel_size: 3 stride: 2 } }
layer { name: "lrn" type: "LRN" bottom: "pool" top: "lrn"
  lrn_param { local_size: 3 alpha: 0.0005 beta: 0.75 } }
layer { name: "feature" type: "InnerProduct" bottom: "lrn" top: "feature"
  inner_product_param { num_output: 6
    weight_filler { type: "gaussian" std: 0.1 } bias_filler { type: "constant" } } }
"""

_PAIR_SETS = f"""name: "pairs"
layer {{ name: "pair_sets" type: "PairSetData"
  top: "data" top: "vehicle" top: "model" param {{ lr_mult: 0 decay_mult: 0 }}
  transform_param {{ {_TRANSFORM} mean_value: 104 mean_value: 117 mean_value: 123 }}
  pair_set_data_param {{ source: "lmdb" sets: 2 positives: 2 negatives: 2 seed: 11
    hard_negatives: 0.5 cache: ENCODED threads: 1 prefetch: 1 }} }}
"""

# The demo's kind: coupled clusters loss and a softmax beside it, dropout before.
PAIRS = f"""{_PAIR_SETS}{_BODY}
layer {{ name: "drop" type: "Dropout" bottom: "feature" top: "drop"
  dropout_param {{ dropout_ratio: 0.3 }} }}
layer {{ name: "unit" type: "L2Normalize" bottom: "drop" top: "unit" }}
layer {{ name: "ccl" type: "CoupledClustersLoss" bottom: "unit" bottom: "vehicle"
  top: "ccl" top: "active" top: "d_pos" top: "d_neg"
  coupled_clusters_loss_param {{ positives: 2 negatives: 2 margin: 1
    gradient: EXACT }} }}
layer {{ name: "triplet" type: "TripletLoss" bottom: "unit" bottom: "vehicle"
  top: "triplet" loss_weight: 0.5
  triplet_loss_param {{ positives: 2 negatives: 2 margin: 1 sampling: HARD }} }}
layer {{ name: "models" type: "InnerProduct" bottom: "drop" top: "models"
  inner_product_param {{ num_output: 3 weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "model_loss" type: "SoftmaxWithLoss" bottom: "models" bottom: "model"
  top: "model_loss" loss_weight: 0.5 loss_param {{ ignore_label: -1 }} }}
"""

_CLASSES = """
layer { name: "classes" type: "InnerProduct" bottom: "feature" top: "classes"
  inner_product_param { num_output: 7 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "classes" bottom: "label"
  top: "loss" }
layer { name: "accuracy" type: "Accuracy" bottom: "classes" bottom: "label"
  top: "accuracy" include { phase: TEST } accuracy_param { top_k: 1 } }
"""

# Caffe's own readers: an LMDB with a mean file, a list of images, HDF5.
DATA = f"""name: "data"
layer {{ name: "data" type: "Data" top: "data" top: "label"
  transform_param {{ {_TRANSFORM} mean_file: "mean.binaryproto" }}
  data_param {{ source: "lmdb" batch_size: 4 backend: LMDB prefetch: 1 }} }}
{_BODY}{_CLASSES}"""

IMAGES = f"""name: "images"
layer {{ name: "data" type: "ImageData" top: "data" top: "label"
  transform_param {{ {_TRANSFORM} }}
  image_data_param {{ source: "images.txt" root_folder: "photos/" batch_size: 4
    new_height: {SIDE} new_width: {SIDE} shuffle: true rand_skip: 2 }} }}
{_BODY}{_CLASSES}"""

ARRAYS = f"""name: "arrays"
layer {{ name: "data" type: "HDF5Data" top: "data" top: "label"
  hdf5_data_param {{ source: "arrays.txt" batch_size: 4 shuffle: true }} }}
{_BODY}{_CLASSES}"""

WINDOWS = f"""name: "windows"
layer {{ name: "data" type: "WindowData" top: "data" top: "label"
  transform_param {{ {_TRANSFORM} }}
  window_data_param {{ source: "windows.txt" root_folder: "photos/" batch_size: 4
    fg_threshold: 0.5 bg_threshold: 0.5 fg_fraction: 0.25 context_pad: 2
    crop_mode: "warp" }} }}
{_BODY}{_CLASSES}"""

DEPLOY = f"""name: "deploy"
layer {{ name: "data" type: "Input" top: "data"
  input_param {{ shape {{ dim: 1 dim: 3 dim: {CROP} dim: {CROP} }} }} }}
{_BODY}"""

# A little of much else that a net may hold.
MANY = """
layer { name: "data" type: "DummyData" top: "data" top: "label"
  dummy_data_param { shape { dim: 2 dim: 3 dim: 8 dim: 8 } shape { dim: 2 }
    data_filler { type: "uniform" min: -1 max: 1 }
    data_filler { type: "constant" value: 1 } } }
layer { name: "de" type: "Deconvolution" bottom: "data" top: "de"
  convolution_param { num_output: 4 kernel_size: 2 stride: 2 } }
layer { name: "crop" type: "Crop" bottom: "de" bottom: "data" top: "crop"
  crop_param { axis: 2 offset: 1 } }
layer { name: "slice" type: "Slice" bottom: "crop" top: "s1" top: "s2"
  slice_param { axis: 1 slice_point: 2 } }
layer { name: "prelu" type: "PReLU" bottom: "s1" top: "s1" }
layer { name: "tanh" type: "TanH" bottom: "s2" top: "s2" }
layer { name: "sum" type: "Eltwise" bottom: "s1" bottom: "s2" top: "sum"
  eltwise_param { operation: SUM coeff: 1 coeff: -1 } }
layer { name: "concat" type: "Concat" bottom: "sum" bottom: "s1" top: "concat"
  concat_param { axis: 1 } }
layer { name: "scale" type: "Scale" bottom: "concat" top: "scale"
  scale_param { bias_term: true } }
layer { name: "power" type: "Power" bottom: "scale" top: "power"
  power_param { power: 2 scale: 0.5 shift: 1 } }
layer { name: "tile" type: "Tile" bottom: "power" top: "tile"
  tile_param { axis: 1 tiles: 2 } }
layer { name: "flat" type: "Reshape" bottom: "tile" top: "flat"
  reshape_param { shape { dim: 0 dim: -1 } } }
layer { name: "spp" type: "SPP" bottom: "power" top: "spp"
  spp_param { pyramid_height: 2 pool: MAX } }
layer { name: "embed" type: "Embed" bottom: "label" top: "embed"
  embed_param { input_dim: 5 num_output: 3 weight_filler { type: "uniform" } } }
layer { name: "all" type: "Concat" bottom: "flat" bottom: "spp" bottom: "embed"
  top: "all" }
layer { name: "mvn" type: "MVN" bottom: "power" top: "mvn" }
layer { name: "mean" type: "Reduction" bottom: "mvn" top: "mean"
  reduction_param { operation: MEAN axis: 1 } loss_weight: 0.1 }
layer { name: "ip" type: "InnerProduct" bottom: "all" top: "ip"
  inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "hinge" type: "HingeLoss" bottom: "ip" bottom: "label" top: "hinge" }
layer { name: "best" type: "ArgMax" bottom: "ip" top: "best"
  include { phase: TEST }
  argmax_param { top_k: 2 out_max_val: true } }
layer { name: "quiet" type: "Silence" bottom: "best" include { phase: TEST } }
"""


def solver(net: str, prefix: str, more: str = "") -> str:
    """A solver of four iterations with snapshots and tests between."""
    return f"""net: "{net}"
test_iter: 1 test_interval: 2 base_lr: 0.01 lr_policy: "step" gamma: 0.5 stepsize: 2
momentum: 0.9 weight_decay: 0.0005 display: 1 max_iter: 4 snapshot: 2
snapshot_prefix: "{prefix}" solver_mode: CPU random_seed: 3 iter_size: 1 {more}
"""

// caffe._net64: nets in double precision for Python. pycaffe has float only,
// whose rounding hides a wrong gradient behind the error of the differences.

#include <google/protobuf/text_format.h>
#define NPY_NO_DEPRECATED_API NPY_1_7_API_VERSION
#include <numpy/arrayobject.h>

#include <boost/python.hpp>
#include <string>
#include <vector>

#include "caffe/caffe.hpp"
#include "drdl/input_error.hpp"

namespace bp = boost::python;

namespace {

typedef caffe::Blob<double> Blob;
typedef caffe::Net<double> Net;

/// A view of a blob's values or gradient, fetched from the device if need be.
/// It is up to date until the next pass; take it anew afterwards.
bp::object View(const bp::object& blob, double* values) {
  const std::vector<int>& shape = bp::extract<Blob&>(blob)().shape();
  std::vector<npy_intp> dims(shape.begin(), shape.end());
  bp::handle<> array(
      PyArray_SimpleNewFromData(dims.size(), dims.data(), NPY_DOUBLE, values));
  Py_INCREF(blob.ptr());  // the array keeps the blob alive
  PyArray_SetBaseObject(reinterpret_cast<PyArrayObject*>(array.get()),
                        blob.ptr());
  return bp::object(array);
}

bp::object Data(const bp::object& blob) {
  return View(blob, bp::extract<Blob&>(blob)().mutable_cpu_data());
}

bp::object Diff(const bp::object& blob) {
  return View(blob, bp::extract<Blob&>(blob)().mutable_cpu_diff());
}

boost::shared_ptr<Net> MakeNet(const std::string& prototxt) {
  caffe::NetParameter param;
  if (!google::protobuf::TextFormat::ParseFromString(prototxt, &param)) {
    throw drdl::InputError("failed to parse the net", "the text given to Net",
                           "see the line:column that the message above names");
  }
  return boost::shared_ptr<Net>(new Net(param));
}

bp::dict Blobs(const Net& net) {
  bp::dict blobs;
  for (size_t i = 0; i < net.blobs().size(); ++i) {
    blobs[net.blob_names()[i]] = net.blobs()[i];
  }
  return blobs;
}

/// Of every layer that has any, in the net's order.
bp::dict Params(const Net& net) {
  bp::dict params;
  for (size_t i = 0; i < net.layers().size(); ++i) {
    bp::list blobs;
    for (const auto& blob : net.layers()[i]->blobs()) blobs.append(blob);
    if (bp::len(blobs)) params[net.layer_names()[i]] = blobs;
  }
  return params;
}

/// The sum of all losses, each by its loss_weight.
double Forward(Net& net) {  // NOLINT(runtime/references)
  double loss;
  net.Forward(&loss);
  return loss;
}

/// Gradients of parameters start from zero, as a solver's do.
void Backward(Net& net) {  // NOLINT(runtime/references)
  net.ClearParamDiffs();
  net.Backward();
}

}  // namespace

BOOST_PYTHON_MODULE(_net64) {
  if (_import_array() < 0) bp::throw_error_already_set();
  bp::class_<Blob, boost::shared_ptr<Blob>, boost::noncopyable>("Blob",
                                                                bp::no_init)
      .add_property("data", &Data)
      .add_property("diff", &Diff);
  bp::class_<Net, boost::shared_ptr<Net>, boost::noncopyable>("Net",
                                                              bp::no_init)
      .def("__init__", bp::make_constructor(&MakeNet))
      .def("blobs", &Blobs)
      .def("params", &Params)
      .def("forward", &Forward)
      .def("backward", &Backward);
}

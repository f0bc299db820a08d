// dlib's face descriptor network as a C library, compiled with flags of one's own choosing: see build_dlib.sh. Chips in, 128 numbers each out.
#include <cstring>
#include <dlib/dnn.h>
#include <dlib/matrix.h>
#include <string>
#include <vector>

// The few sources that the network needs: all of dlib would take ten times as long to compile.
#include <dlib/cuda/cpu_dlib.cpp>
#include <dlib/cuda/tensor_tools.cpp>
#include <dlib/stack_trace.cpp>
#include <dlib/test_for_odr_violations.cpp>
#include <dlib/threads/async.cpp>
#include <dlib/threads/multithreaded_object_extension.cpp>
#include <dlib/threads/thread_pool_extension.cpp>
#include <dlib/threads/threaded_object_extension.cpp>
#include <dlib/threads/threads_kernel_2.cpp>
#include <dlib/threads/threads_kernel_shared.cpp>

using namespace dlib;

template <template <int, template <typename> class, int, typename> class block, int N, template <typename> class BN, typename SUBNET>
using residual = add_prev1<block<N, BN, 1, tag1<SUBNET>>>;
template <template <int, template <typename> class, int, typename> class block, int N, template <typename> class BN, typename SUBNET>
using residual_down = add_prev2<avg_pool<2, 2, 2, 2, skip1<tag2<block<N, BN, 2, tag1<SUBNET>>>>>>;
template <int N, template <typename> class BN, int stride, typename SUBNET>
using block = BN<con<N, 3, 3, 1, 1, relu<BN<con<N, 3, 3, stride, stride, SUBNET>>>>>;
template <int N, typename SUBNET> using same = relu<residual<block, N, affine, SUBNET>>;
template <int N, typename SUBNET> using down = relu<residual_down<block, N, affine, SUBNET>>;
template <typename SUBNET> using level4 = same<32, same<32, same<32, SUBNET>>>;
template <typename SUBNET> using level3 = same<64, same<64, same<64, down<64, SUBNET>>>>;
template <typename SUBNET> using level2 = same<128, same<128, down<128, SUBNET>>>;
template <typename SUBNET> using level1 = same<256, same<256, down<256, SUBNET>>>;
template <typename SUBNET> using level0 = down<256, SUBNET>;
using network = loss_metric<fc_no_bias<
    128, avg_pool_everything<level0<level1<level2<level3<level4<max_pool<3, 3, 2, 2, relu<affine<con<32, 7, 7, 2, 2, input_rgb_image_sized<150>>>>>>>>>>>>>;

extern "C" void *descriptor_load(const char *path) {
    try {
        auto *net = new network;
        deserialize(std::string(path)) >> *net;
        return net;
    } catch (...) {
        return nullptr;
    }
}

extern "C" void descriptor_run(void *handle, const unsigned char *rgb, long count, long batch, float *out) {
    auto &net = *static_cast<network *>(handle);
    std::vector<matrix<rgb_pixel>> chips(count);
    for (long n = 0; n < count; ++n) {
        chips[n].set_size(150, 150);
        std::memcpy(&chips[n](0, 0), rgb + n * 150 * 150 * 3, 150 * 150 * 3);
    }
    auto found = net(chips, batch);
    for (long n = 0; n < count; ++n)
        for (long d = 0; d < 128; ++d) out[n * 128 + d] = found[n](d);
}

// SPDX-License-Identifier: MIT
/* 16-bit floats for C++ (C++11 and later), as onnxruntime_cxx_api.h wants them: Float16Impl and BFloat16Impl are bases of the
 * types that it makes, and hold the bits in `val`. Conversion from float rounds to the nearest, ties to even. */
#ifndef SX_ONNXRUNTIME_FLOAT16_H
#define SX_ONNXRUNTIME_FLOAT16_H
#include <cstdint>
#include <cstring>

namespace onnxruntime_float16 {
namespace detail {

inline std::uint32_t bits_of(float v) noexcept {
  std::uint32_t bits;
  std::memcpy(&bits, &v, sizeof bits);
  return bits;
}
inline float float_of(std::uint32_t bits) noexcept {
  float v;
  std::memcpy(&v, &bits, sizeof v);
  return v;
}
/* x / 2^shift, rounded; shift > 0. */
inline std::uint32_t shifted(std::uint32_t x, unsigned shift) noexcept {
  std::uint32_t q = x >> shift, rest = x & ((1u << shift) - 1), half = 1u << (shift - 1);
  return q + (rest > half || (rest == half && (q & 1)) ? 1u : 0u);
}

/* What both formats have: a sign, an exponent whose largest value is `Infinity`, a mantissa. */
template <class Derived, std::uint16_t Infinity>
struct Bits {
  static constexpr std::uint16_t kSignMask = 0x8000U;
  static constexpr std::uint16_t kBiasedExponentMask = Infinity;
  static constexpr std::uint16_t kPositiveInfinityBits = Infinity;
  static constexpr std::uint16_t kNegativeInfinityBits = Infinity | 0x8000U;
  static constexpr std::uint16_t kMaxValueBits = Infinity - 1;
  static constexpr std::uint16_t kMinValueBits = (Infinity - 1) | 0x8000U;

  std::uint16_t val{0};
  Bits() = default;

  std::uint16_t AbsImpl() const noexcept { return static_cast<std::uint16_t>(val & 0x7FFFU); }
  std::uint16_t NegateImpl() const noexcept { return IsNaN() ? val : static_cast<std::uint16_t>(val ^ 0x8000U); }
  bool IsNegative() const noexcept { return (val & 0x8000U) != 0; }
  bool IsNaN() const noexcept { return AbsImpl() > Infinity; }
  bool IsFinite() const noexcept { return AbsImpl() < Infinity; }
  bool IsPositiveInfinity() const noexcept { return val == Infinity; }
  bool IsNegativeInfinity() const noexcept { return val == (Infinity | 0x8000U); }
  bool IsInfinity() const noexcept { return AbsImpl() == Infinity; }
  bool IsNaNOrZero() const noexcept { return IsNaN() || AbsImpl() == 0; }
  bool IsNormal() const noexcept { return IsFinite() && (val & Infinity) != 0; }
  bool IsSubnormal() const noexcept { return AbsImpl() != 0 && (val & Infinity) == 0; }
  Derived Abs() const noexcept { return Derived::FromBits(AbsImpl()); }
  Derived Negate() const noexcept { return Derived::FromBits(NegateImpl()); }
  static bool AreZero(const Bits &a, const Bits &b) noexcept { return ((a.val | b.val) & 0x7FFFU) == 0; }

  bool operator==(const Bits &other) const noexcept { return !IsNaN() && !other.IsNaN() && (val == other.val || AreZero(*this, other)); }
  bool operator!=(const Bits &other) const noexcept { return !(*this == other); }
  bool operator<(const Bits &other) const noexcept {
    if (IsNaN() || other.IsNaN() || AreZero(*this, other)) return false;
    if (IsNegative() != other.IsNegative()) return IsNegative();
    return IsNegative() ? val > other.val : val < other.val;
  }
};

}  // namespace detail

template <class Derived>
struct Float16Impl : detail::Bits<Derived, 0x7C00U> {
  static constexpr std::uint16_t kPositiveQNaNBits = 0x7E00U, kNegativeQNaNBits = 0xFE00U;
  static constexpr std::uint16_t kOneBits = 0x3C00U, kMinusOneBits = 0xBC00U;
  Float16Impl() = default;

  static std::uint16_t ToUint16Impl(float v) noexcept {
    std::uint32_t all = detail::bits_of(v), abs = all & 0x7FFFFFFFu, sign = all >> 16 & 0x8000u, h;
    if (abs > 0x7F800000u)
      h = 0x7E00u;
    else if (abs >= 0x477FF000u) /* rounds to 2^16 */
      h = 0x7C00u;
    else if (abs >= 0x38800000u) /* 2^-14: normal */
      h = detail::shifted(abs - (112u << 23), 13);
    else if (abs >= 0x33000000u) /* 2^-25: half of the least */
      h = detail::shifted((abs & 0x7FFFFFu) | 0x800000u, 126 - (abs >> 23));
    else
      h = 0;
    return static_cast<std::uint16_t>(h | sign);
  }
  float ToFloatImpl() const noexcept {
    std::uint32_t abs = this->AbsImpl(), sign = (this->val & 0x8000u) << 16;
    if (abs >= 0x7C00u) return detail::float_of(sign | 0x7F800000u | (abs & 0x3FFu) << 13);
    if (abs >= 0x0400u) return detail::float_of(sign | ((abs << 13) + (112u << 23)));
    float tiny = static_cast<float>(abs) * (1.0f / 16777216.0f); /* units of 2^-24 */
    return sign ? -tiny : tiny;
  }
};

template <class Derived>
struct BFloat16Impl : detail::Bits<Derived, 0x7F80U> {
  static constexpr std::uint16_t kPositiveQNaNBits = 0x7FC1U, kNegativeQNaNBits = 0xFFC1U;
  static constexpr std::uint16_t kRoundToNearest = 0x7FFFU;
  static constexpr std::uint16_t kOneBits = 0x3F80U, kMinusOneBits = 0xBF80U;
  BFloat16Impl() = default;

  static std::uint16_t ToUint16Impl(float v) noexcept {
    std::uint32_t bits = detail::bits_of(v);
    if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return kPositiveQNaNBits;
    return static_cast<std::uint16_t>(detail::shifted(bits, 16));
  }
  float ToFloatImpl() const noexcept {
    return this->IsNaN() ? detail::float_of(0x7FC00000u) : detail::float_of(static_cast<std::uint32_t>(this->val) << 16);
  }
};

}  // namespace onnxruntime_float16
#endif

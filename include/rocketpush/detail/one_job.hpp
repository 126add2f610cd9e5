#ifndef ROCKETPUSH_DETAIL_ONE_JOB_HPP
#define ROCKETPUSH_DETAIL_ONE_JOB_HPP

#include <concepts>
#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace rocketpush::detail {

/**
 * @brief A function object that is called once or dropped, of any type: one of up to 88 bytes lies in the object itself, so that
 *        to hand over a batch allocates nothing.
 */
class one_job {
  public:
    one_job() noexcept = default;

    template <class F>
        requires(!std::same_as<std::remove_cvref_t<F>, one_job>)
    explicit one_job(F&& function) {
        using stored = std::decay_t<F>;
        static_assert(std::is_nothrow_move_constructible_v<stored>);
        if constexpr (sizeof(stored) <= sizeof storage_ && alignof(stored) <= alignof(std::max_align_t)) {
            ::new (static_cast<void*>(storage_)) stored(std::forward<F>(function));
            operate_ = [](one_job& self, void* to, bool call) {
                auto* held = std::launder(reinterpret_cast<stored*>(self.storage_));
                if (to)
                    ::new (to) stored(std::move(*held));
                else if (call)
                    (*held)();
                held->~stored();
            };
        } else {
            *this = one_job([held = std::make_unique<stored>(std::forward<F>(function))] { (*held)(); });
        }
    }
    one_job(one_job&& other) noexcept { take(other); }
    one_job& operator=(one_job&& other) noexcept {
        if (this != &other) {
            drop();
            take(other);
        }
        return *this;
    }
    ~one_job() { drop(); }

    /// Once, of one that is not empty; it is afterwards.
    void operator()() { std::exchange(operate_, nullptr)(*this, nullptr, true); }

  private:
    void take(one_job& other) noexcept {
        operate_ = std::exchange(other.operate_, nullptr);
        if (operate_)
            operate_(other, storage_, false);
    }
    void drop() noexcept {
        if (operate_)
            std::exchange(operate_, nullptr)(*this, nullptr, false);
    }

    alignas(std::max_align_t) std::byte storage_[88];
    /// Moves what is held to `to`, or calls it, or neither; it is gone then.
    void (*operate_)(one_job&, void* to, bool call) = nullptr;
};

} // namespace rocketpush::detail

#endif

#ifndef ROCKETPUSH_DETAIL_FILE_THREAD_HPP
#define ROCKETPUSH_DETAIL_FILE_THREAD_HPP

#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/detail/context_thread.hpp>
#include <rocketpush/detail/one_job.hpp>

#include <memory>
#include <mutex>
#include <utility>

namespace rocketpush::detail {

/**
 * @brief Where work that blocks is done: a thread that begins with the first of it.
 *
 * It can go while a job hangs in the system: the thread is left behind and tells nobody.
 *
 * @par Thread safety  None; on the strand.
 */
class file_thread {
  public:
    /// Runs `job()` there and then `done()` on `strand`; of several jobs one after the other. `done` is dropped if this goes first.
    template <class Executor, class Job, class Done>
    void run(const Executor& strand, Job job, Done done) {
        if (!thread_) {
            thread_ = std::make_unique<context_thread>();
            thread_->start();
        }
        {
            const std::lock_guard lock(reports_->mutex);
            // It names the strand, whose context may end before the job does, so it is not the job's.
            reports_->to_strand =
                one_job([strand, done = std::move(done)]() mutable { asio::post(strand, std::move(done)); });
        }
        asio::post(thread_->context(), [reports = reports_, job = std::move(job)]() mutable {
            job();
            const std::lock_guard lock(reports->mutex);
            if (!reports->shut)
                reports->to_strand();
        });
    }

    file_thread()                         = default;
    file_thread(file_thread&&) noexcept   = default;
    file_thread& operator=(file_thread&&) = delete;
    ~file_thread() {
        if (!reports_)
            return;
        const std::lock_guard lock(reports_->mutex);
        reports_->shut      = true;
        reports_->to_strand = one_job();
    }

  private:
    struct reports {
        std::mutex mutex;
        bool shut = false;
        one_job to_strand;
    };

    std::shared_ptr<reports> reports_ = std::make_shared<reports>(); // null after a move
    std::unique_ptr<context_thread> thread_; // goes first: it waits a moment for a job that runs
};

} // namespace rocketpush::detail

#endif

//! Jobs on threads of their own.

use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// What `work` makes of each job, in the order of the jobs; as many run at once as there are
/// processors.
///
/// The threads are not those of rayon's pool: one of those might take up another job while it waits
/// for a tool, which then waits for a lock that the first one holds.
pub fn each<T: Sync, R: Send>(jobs: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, R)>> = Mutex::default();
    thread::scope(|scope| {
        let processors = thread::available_parallelism().map_or(1, NonZero::get);
        for _ in 0..processors.min(jobs.len()) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(index) else { break };
                    let result = work(job);
                    done.lock().expect("nothing panics here").push((index, result));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("nothing panics here");
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_job_has_its_result() {
        let jobs: Vec<u32> = (0..100).collect();
        let squares = each(&jobs, |job| job * job);
        assert!(squares.iter().zip(&jobs).all(|(square, job)| *square == job * job));
        assert_eq!((squares.len(), each(&[], |job: &u32| *job).len()), (100, 0));
    }
}

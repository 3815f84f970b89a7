//! The gateway's long-lived tasks, each with a name and an owner. The first to end, well or badly, stops the others. Must not
//! know what any of them does.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, timeout_at};

/// Tasks that live and end together. Dropping it aborts them all.
pub struct Tasks {
    running: JoinSet<anyhow::Result<()>>,
    names: BTreeMap<Id, &'static str>,
    stop: watch::Sender<bool>,
}

/// Tells a task when to stop.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Returns once the task should come to its end.
    pub async fn wait(&mut self) {
        // An error says that the owner is gone, which is the strongest reason to stop.
        self.0.wait_for(|stop| *stop).await.map(drop).unwrap_or_default();
    }

    pub fn is_set(&self) -> bool {
        *self.0.borrow()
    }
}

impl Default for Tasks {
    fn default() -> Self {
        Self { running: JoinSet::new(), names: BTreeMap::new(), stop: watch::Sender::new(false) }
    }
}

impl Tasks {
    pub fn spawn<F>(&mut self, name: &'static str, task: impl FnOnce(Stop) -> F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let handle = self.running.spawn(task(Stop(self.stop.subscribe())));
        self.names.insert(handle.id(), name);
    }

    /// Runs `task`, which may block for as long as it likes, on a thread of its own.
    pub fn spawn_blocking(
        &mut self,
        name: &'static str,
        task: impl FnOnce(Stop) -> anyhow::Result<()> + Send + 'static,
    ) {
        let stop = Stop(self.stop.subscribe());
        let handle = self.running.spawn_blocking(move || task(stop));
        self.names.insert(handle.id(), name);
    }

    /// Waits for the first task to end, stops the others and gives them `patience` to follow. The first error is the result;
    /// tasks that are still running when patience ends are aborted, and are an error too.
    pub async fn join(mut self, patience: Duration) -> anyhow::Result<()> {
        let Some(first) = self.running.join_next_with_id().await else { return Ok(()) };
        let mut result = self.ended(first);
        self.stop.send_replace(true);
        let deadline = Instant::now() + patience;
        loop {
            match timeout_at(deadline, self.running.join_next_with_id()).await {
                Ok(Some(ended)) => {
                    let ended = self.ended(ended);
                    result = result.and(ended);
                }
                Ok(None) => return result,
                Err(_) => return result.and(Err(self.late(patience))),
            }
        }
    }

    fn ended(&mut self, ended: Result<(Id, anyhow::Result<()>), JoinError>) -> anyhow::Result<()> {
        let (id, result) = match ended {
            Ok((id, result)) => (id, result),
            Err(error) => (error.id(), Err(anyhow!("it panicked"))),
        };
        let name = self.names.remove(&id).unwrap_or_default();
        result.with_context(|| format!("running the task \"{name}\""))
    }

    fn late(&self, patience: Duration) -> anyhow::Error {
        let names: Vec<&str> = self.names.values().copied().collect();
        anyhow!(
            "waiting for \"{}\" to stop: still running after {patience:?}",
            names.join("\", \"")
        )
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn the_first_to_end_stops_the_others() {
        let mut tasks = Tasks::default();
        tasks.spawn("source", |mut stop| async move {
            stop.wait().await;
            Ok(())
        });
        tasks.spawn("signals", |_| async { Ok(()) });
        tasks.join(PATIENCE).await.unwrap();
    }

    #[tokio::test]
    async fn the_first_error_is_told_with_the_task_s_name() {
        let mut tasks = Tasks::default();
        tasks.spawn("sink", |_| async { Err(anyhow!("broker is gone")) });
        tasks.spawn("source", |mut stop| async move {
            stop.wait().await;
            Err(anyhow!("because of the sink"))
        });
        let error = tasks.join(PATIENCE).await.unwrap_err();
        assert_eq!(format!("{error:#}"), "running the task \"sink\": broker is gone");
    }

    #[tokio::test]
    async fn a_panic_is_an_error_like_any_other() {
        let mut tasks = Tasks::default();
        tasks.spawn("sink", |_| async { panic!("a bug") });
        let error = tasks.join(PATIENCE).await.unwrap_err();
        assert_eq!(format!("{error:#}"), "running the task \"sink\": it panicked");
    }

    #[tokio::test]
    async fn one_that_does_not_stop_is_named_and_aborted() {
        let mut tasks = Tasks::default();
        tasks.spawn("deaf", |_| pending());
        tasks.spawn("signals", |_| async { Ok(()) });
        let error = tasks.join(Duration::from_millis(20)).await.unwrap_err();
        let expected = "waiting for \"deaf\" to stop: still running after 20ms";
        assert_eq!(format!("{error:#}"), expected);
    }

    #[tokio::test]
    async fn a_thread_of_its_own_hears_the_stop_too() {
        let mut tasks = Tasks::default();
        tasks.spawn_blocking("lane", |stop| {
            let deadline = std::time::Instant::now() + PATIENCE;
            while !stop.is_set() && std::time::Instant::now() < deadline {
                std::thread::yield_now();
            }
            assert!(stop.is_set());
            Ok(())
        });
        tasks.spawn("signals", |_| async { Ok(()) });
        tasks.join(PATIENCE).await.unwrap();
    }
}

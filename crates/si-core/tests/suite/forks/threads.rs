use std::sync::mpsc::{Receiver, Sender, channel};

use burn::optim::GradientsParams;
use si_core::Importance;

use crate::forks::data::{TASKS, joint_batch, shares};
use crate::forks::mean::{mean_information, mean_of};
use crate::forks::network::Network;
use crate::forks::ways::{State, Way, Worker};
use crate::forks::{STEPS, Trajectory};

/// Sends to the thread that computes the means, with the number of examples.
struct Sent<T>(Sender<(T, usize)>);

/// A worker's connection to that thread. If either end panics, so does the other, so neither waits for ever.
struct Line {
    gradients: Sent<GradientsParams>,
    mean: Receiver<GradientsParams>,
    measured: Sent<Importance>,
    information: Receiver<Importance>,
    states: Sender<State>,
}

/// The other end of a connection.
struct End {
    gradients: Receiver<(GradientsParams, usize)>,
    mean: Sender<GradientsParams>,
    measured: Receiver<(Importance, usize)>,
    information: Sender<Importance>,
    states: Receiver<State>,
}

const GONE: &str = "the other end still exists";

/// The same as in turns, but each worker has a separate thread throughout its life.
pub(crate) fn learn(way: &Way, hidden: usize, num_workers: usize) -> Trajectory {
    let first = (way.start)(Network::new(hidden));
    std::thread::scope(|scope| {
        let ends: Vec<End> = (0..num_workers)
            .map(|index| {
                let (line, end) = connect();
                let worker = first.fork();
                scope.spawn(move || run(worker, index, num_workers, &line));
                end
            })
            .collect();
        let tasks = 0..TASKS;
        tasks
            .map(|_| {
                for _ in 0..STEPS {
                    let parts = ends.iter().map(|end| end.gradients.recv().expect(GONE));
                    let means = mean_of(first.network(), parts.collect());
                    for (end, mean) in ends.iter().zip(means) {
                        end.mean.send(mean).expect(GONE);
                    }
                }
                let parts = ends.iter().map(|end| end.measured.recv().expect(GONE));
                let information = mean_information(first.network(), parts.collect());
                for end in &ends {
                    end.information.send(information.clone()).expect(GONE);
                }
                ends.iter()
                    .map(|end| end.states.recv().expect(GONE))
                    .collect()
            })
            .collect()
    })
}

fn connect() -> (Line, End) {
    let (gradients_to, gradients) = channel();
    let (mean, mean_from) = channel();
    let (measured_to, measured) = channel();
    let (information, information_from) = channel();
    let (states_to, states) = channel();
    let line = Line {
        gradients: Sent(gradients_to),
        mean: mean_from,
        measured: Sent(measured_to),
        information: information_from,
        states: states_to,
    };
    let end = End {
        gradients,
        mean,
        measured,
        information,
        states,
    };
    (line, end)
}

fn run(mut worker: Box<dyn Worker>, index: usize, num_workers: usize, line: &Line) {
    for task in 0..TASKS {
        let share = |step| shares(&joint_batch(task, step), num_workers).swap_remove(index);
        for step in 0..STEPS {
            let share = share(step);
            let gradients = worker.gradients(&share);
            line.gradients.0.send((gradients, share.len())).expect(GONE);
            worker.step(line.mean.recv().expect(GONE));
        }
        let examples = share(STEPS);
        let measured = worker.measure(&examples);
        line.measured
            .0
            .send((measured, examples.len()))
            .expect(GONE);
        worker.end_task(&line.information.recv().expect(GONE));
        line.states.send(worker.state()).expect(GONE);
    }
}

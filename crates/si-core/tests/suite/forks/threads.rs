use std::sync::mpsc::{Receiver, Sender, channel};

use burn::optim::GradientsParams;
use si_core::Importance;

use crate::forks::data::{TASKS, joint_batch, shares};
use crate::forks::mean::{mean_information, mean_of};
use crate::forks::network::Network;
use crate::forks::ways::{Replica, State, Way};
use crate::forks::{STEPS, Trajectory};

/// Sends to the thread that computes the means, with the number of examples.
struct Sent<T>(Sender<(T, usize)>);

/// A replica's connection to that thread. If either end panics, so does the other, so neither waits for ever.
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

/// The same as in turns, but each replica has a separate thread throughout its life.
pub(crate) fn learn(way: &Way, hidden: usize, num_replicas: usize) -> Trajectory {
    let first = (way.start)(Network::new(hidden));
    std::thread::scope(|scope| {
        let ends: Vec<End> = (0..num_replicas)
            .map(|index| {
                let (line, end) = connect();
                let replica = first.fork();
                scope.spawn(move || run(replica, index, num_replicas, &line));
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

fn run(mut replica: Box<dyn Replica>, index: usize, num_replicas: usize, line: &Line) {
    for task in 0..TASKS {
        let share = |step| shares(&joint_batch(task, step), num_replicas).swap_remove(index);
        for step in 0..STEPS {
            let share = share(step);
            let gradients = replica.gradients(&share);
            line.gradients.0.send((gradients, share.len())).expect(GONE);
            replica.step(line.mean.recv().expect(GONE));
        }
        let examples = share(STEPS);
        let measured = replica.measure(&examples);
        line.measured
            .0
            .send((measured, examples.len()))
            .expect(GONE);
        replica.end_task(&line.information.recv().expect(GONE));
        line.states.send(replica.state()).expect(GONE);
    }
}

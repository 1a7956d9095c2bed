use std::cmp::Ordering;

use crate::experiment::ExperimentConfig;

use super::configuration::{DROPOUT_RATE, GROUPS, MOMENTA, POWERS, WIDTHS};
use super::table::whole_per_cent;
use super::{Aspect, Frontier, HiddenUnits, NetworkFrontier};

/// How the study is smaller than the paper's.
pub const REDUCED: &str = "Reduced, compared with Goodfellow et al. (2013b): one pair of tasks of three, fewer training \
    images, smaller networks, and fixed numbers of epochs in place of early stopping. The learning rate does not decay, \
    momentum is constant, the incoming weights of a unit have no largest norm, and initial values are not drawn. Inputs are \
    not dropped, and there are no sigmoid units. The six networks share their random configurations.";

/// What stands below the tables: what they show, what was run, and how far it reaches.
pub(super) fn notes(frontier: &Frontier) -> Vec<String> {
    let mut notes = vec![FRONTIER.to_string(), findings(), ranking(frontier)];
    let protocol = &frontier.study.protocol;
    notes.extend([
        configurations(frontier),
        tasks(protocol),
        REDUCED.to_string(),
    ]);
    let diverged = frontier.networks.iter().filter(|it| it.num_diverged > 0);
    notes.extend(diverged.map(|network| {
        format!(
            "{}: {} of {} runs diverged, with a loss that is not finite, and are left out.",
            network.kind, network.num_diverged, network.num_runs
        )
    }));
    notes
}

const FRONTIER: &str = "Errors are in % on test images, after an epoch of the new task. A frontier is the lower-left \
    envelope of the pairs of errors over all configurations and epochs: what a network can reach if the best configuration \
    and epoch are known. They are found on the test images themselves, so a frontier is too good by some amount, and the \
    more so the more pairs it is made of. –: no run was that good at the new task.";

fn findings() -> String {
    let limit = whole_per_cent(Aspect::LEARNT);
    format!(
        "A finding holds if it is so for each kind of units, and still is if any one configuration is left out. It does not \
         hold if it is not so for some kind of units, whichever configuration is left out. Networks remember the old task \
         only at points at which the new one is learnt, with an error of at most {limit}: a network that learns nothing new \
         forgets nothing. If a network has no such point, this finding is undecided. This is no test of significance: the \
         study has one seed, one pair of tasks, and the best of some random configurations."
    )
}

/// The order of the kinds of units, and that one pair of tasks cannot say whether it depends on the tasks.
fn ranking(frontier: &Frontier) -> String {
    let [without, with] = [false, true].map(|has_dropout| order(frontier, has_dropout));
    let orders = match (without, with) {
        (Some(without), Some(with)) if without == with => {
            format!("here it is {without}, with and without dropout.")
        }
        (Some(without), Some(with)) => {
            format!("here it is {without} without dropout, and {with} with it.")
        }
        _ => "here it is not complete, because all runs of a network diverged.".to_string(),
    };
    format!(
        "The paper finds that the order of the kinds of units changes with the pair of tasks. One pair cannot test that. By \
         the lowest sum of both errors, from the lowest on, {orders}"
    )
}

/// The kinds of units by the lowest sum of both errors. `None` if one of them has none.
fn order(frontier: &Frontier, has_dropout: bool) -> Option<String> {
    let of_kind = |units: HiddenUnits| {
        let mut networks = frontier.networks.iter();
        let is_kind =
            |it: &&NetworkFrontier| it.kind.units == units && it.kind.has_dropout == has_dropout;
        let lowest = networks.find(is_kind)?.lowest_sum.as_ref()?;
        Some((lowest.sum, units.to_string()))
    };
    let sums: Option<Vec<(f64, String)>> = HiddenUnits::ALL.into_iter().map(of_kind).collect();
    let mut sums = sums?;
    sums.sort_by(|(one, _), (other, _)| one.partial_cmp(other).unwrap_or(Ordering::Equal));
    let names: Vec<String> = sums.into_iter().map(|(_, name)| name).collect();
    Some(names.join(", "))
}

fn configurations(frontier: &Frontier) -> String {
    format!(
        "{} random configurations, drawn with seed {}: {} to {} units in each of two hidden layers, learning rate 10^{} to \
         10^{}, momentum {} to {}, {} to {} units in a block of LWTA or sums of a unit of Maxout. Dropout of hidden units: {}.",
        frontier.study.num_configurations,
        frontier.study.seed,
        WIDTHS.start(),
        WIDTHS.end(),
        POWERS.start,
        POWERS.end,
        MOMENTA.start,
        MOMENTA.end,
        GROUPS.start(),
        GROUPS.end(),
        DROPOUT_RATE
    )
}

fn tasks(protocol: &ExperimentConfig) -> String {
    let images = match protocol.num_train_images {
        None => "All training images".to_string(),
        Some(count) => format!("At most {count} training images"),
    };
    format!(
        "Old task: MNIST as it is. New task: the same with its pixels in a random order. {images} of each; {} epochs of \
         minibatches of {} for each task, with SGD; on {}.",
        protocol.num_epochs, protocol.batch_size, protocol.device
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frontier::testing;

    #[test]
    fn notes_say_what_was_run_and_how_far_it_reaches() {
        let notes = notes(&testing::frontier()).join("\n");
        for part in [
            "3 random configurations, drawn with seed 0: 100 to 400 units",
            "learning rate 10^-2 to 10^-0.5",
            "At most 5000 training images of each; 4 epochs of minibatches of 100",
            "the new one is learnt, with an error of at most 10 %:",
            "no test of significance",
            "here it is ReLU, LWTA, Maxout, with and without dropout.",
            REDUCED,
        ] {
            assert!(notes.contains(part), "{part}: {notes}");
        }
        assert!(!notes.contains("diverged"), "{notes}");
    }

    #[test]
    fn orders_that_differ_and_runs_that_diverged_are_told() {
        let mut frontier = testing::frontier();
        if let Some(lowest) = &mut frontier.networks[5].lowest_sum {
            lowest.sum = 0.0;
        }
        frontier.networks[2].num_diverged = 2;
        let text = notes(&frontier).join("\n");
        let expected = "ReLU, LWTA, Maxout without dropout, and Maxout, ReLU, LWTA with it.";
        assert!(text.contains(expected), "{text}");
        assert!(text.contains("LWTA: 2 of 3 runs diverged"), "{text}");
        frontier.networks[2].lowest_sum = None;
        assert!(ranking(&frontier).contains("here it is not complete"));
    }
}

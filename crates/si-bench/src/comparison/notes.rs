use crate::experiment::Scenario;
use crate::methods::METHODS;
use crate::report::several_processors;

use super::published::Published;
use super::{ComparedMethod, Comparison, Searched};

/// What stands below the tables: how the strengths were found and what they multiply, what the columns mean, and what is
/// missing.
pub(super) fn notes(comparison: &Comparison) -> Vec<String> {
    let mut notes = vec![measures(comparison)];
    if comparison
        .methods
        .iter()
        .any(|it| it.min_accuracy.is_some())
    {
        notes.push(min_accuracy(comparison));
    }
    if comparison.methods.iter().any(|it| it.cost.is_some()) {
        notes.extend([KEPT, PASSES].map(str::to_string));
    }
    let processors = comparison.methods.iter().flat_map(|it| &it.processors);
    notes.extend(several_processors(processors));
    for method in &comparison.methods {
        if method.has_equal_memory {
            notes.push(format!(
                "{}: its memory has as many bytes as si keeps.",
                method.label
            ));
        }
    }
    notes.extend(search(comparison));
    notes.extend(conventions(comparison));
    notes.push(protocol(comparison));
    notes.extend(published(comparison));
    for left_out in &comparison.left_out {
        notes.push(format!(
            "left out: {}: {}.",
            left_out.method, left_out.reason
        ));
    }
    let warnings = comparison.methods.iter().flat_map(|it| &it.warnings);
    notes.extend(warnings.cloned());
    notes
}

fn measures(comparison: &Comparison) -> String {
    let images = match comparison.config.num_held_out {
        None => "test images",
        Some(_) => "held-out training images",
    };
    format!(
        "Results: in % on {images}, as a mean over {} seeds from {} on; ± is the standard deviation (n − 1). Average: \
         accuracy over all tasks after the last. Forgetting: fall of each earlier task from its best before the last task. \
         Backward transfer: change of each earlier task since its own end. Learning accuracy: on each task right after it.",
        comparison.config.num_seeds, comparison.config.first_seed
    )
}

fn min_accuracy(comparison: &Comparison) -> String {
    let evaluations = if comparison.config.evaluate_each_epoch {
        "It is from the evaluations after every epoch, and does not show a drop within an epoch."
    } else {
        "It is from the evaluations at the tasks' ends alone, and does not show a drop within a task."
    };
    format!(
        "min-ACC: the lowest accuracy on each earlier task since its end, as a mean over these tasks. {evaluations}"
    )
}

const KEPT: &str = "Floats, for each parameter of the plain network, and bytes: what a method keeps, counted at the end of a \
    run beside the network and the optimizer's state of plain training: importance, anchors, frozen copies, further columns \
    and layers, stored logits and images. A stored image has a byte for each pixel and one for its label. joint needs the \
    images of all tasks, and scratch the networks of all tasks.";

const PASSES: &str = "Extra passes: images that pass forward and backward in a step beyond the one forward and the one \
    backward pass of plain training, by the images of its minibatch, averaged over all steps of a run. Measured: images on \
    which importance is measured at a task's end; they are not part of the passes. Seconds: wall time of a run, as a mean, \
    whatever else the machine did.";

fn search(comparison: &Comparison) -> Vec<String> {
    let Some(search) = &comparison.search else {
        return vec!["Strengths: as given; nothing was searched for.".to_string()];
    };
    let seeds: Vec<String> = search.seeds.iter().map(u64::to_string).collect();
    let mut notes = vec![format!(
        "Strengths: found by one oracle search for all methods, by the average accuracy on {} held-out training images of \
         each task, old tasks included. A learner that no longer has these could not do this search. {} values for each \
         method, in equal steps from the lowest to the highest value of its range, with seed {}.",
        search.num_held_out,
        search.num_trials,
        seeds.join(", ")
    )];
    let given: Vec<&str> = comparison
        .methods
        .iter()
        .filter(|it| it.searched.is_none())
        .map(|it| it.label.as_str())
        .collect();
    if !given.is_empty() {
        notes.push(format!(
            "Not searched, because there is no strength to search for, or because it was given: {}.",
            given.join("; ")
        ));
    }
    notes.extend(ends(comparison));
    notes
}

/// What `≥` and `≤` mean, or that no strength is marked because too few were tried.
fn ends(comparison: &Comparison) -> Option<String> {
    let mut searched = comparison
        .methods
        .iter()
        .filter_map(|it| it.searched.as_ref());
    if searched.any(Searched::has_few_values) {
        return Some(format!(
            "The search is too small to tell whether a better strength lies beyond the range: that takes at least {} values \
             for each method.",
            Searched::ENOUGH_VALUES
        ));
    }
    let range = |method: &ComparedMethod| {
        let searched = method.searched.as_ref().filter(|it| it.end().is_some())?;
        let (lowest, highest) = (searched.tried.first()?, searched.tried.last()?);
        Some(format!("{lowest} to {highest} for {}", method.label))
    };
    let ranges: Vec<String> = comparison.methods.iter().filter_map(range).collect();
    (!ranges.is_empty()).then(|| {
        format!(
            "≥ or ≤ at a strength: the runs have this value, which is the largest or the smallest that was tried, and a \
             better one may lie beyond it. The range is {}.",
            ranges.join("; ")
        )
    })
}

/// What the strength of each method multiplies.
fn conventions(comparison: &Comparison) -> Vec<String> {
    let is_compared = |key: &str| {
        let mut methods = comparison.methods.iter();
        methods.any(|it| {
            it.condition
                .methods()
                .iter()
                .any(|method| method.key == key)
        })
    };
    let compared = METHODS.iter().filter(|method| is_compared(method.key));
    compared
        .filter_map(|method| {
            let strength = method.strength()?;
            Some(format!(
                "{}: {} is the {}.",
                method.label, strength.symbol, strength.summary
            ))
        })
        .collect()
}

fn protocol(comparison: &Comparison) -> String {
    let config = &comparison.config;
    let scenario = match config.scenario {
        Scenario::Task => "task (the network is told the task)",
        Scenario::Domain => "domain (not told, the tasks share their outputs)",
        Scenario::Class => "class (not told, each class has an output)",
    };
    let sizes: Vec<String> = config.hidden_sizes.iter().map(usize::to_string).collect();
    let images = match config.num_train_images {
        None => "all training images".to_string(),
        Some(count) => format!("at most {count} training images of each task"),
    };
    format!(
        "Protocol: {}, scenario {scenario}, {} tasks, {images}; hidden layers of {}; {} with learning rate {}, reset between \
         tasks: {}; {} epochs of minibatches of {}; importance from {} images; on {}.",
        config.experiment.name(),
        config.num_tasks,
        sizes.join(", "),
        word(&config.optimizer),
        config.learning_rate,
        word(&config.reset_optimizer),
        config.num_epochs,
        config.batch_size,
        config.num_importance_images,
        config.device
    )
}

/// Where published numbers are from, and how those runs differ. If the protocol is nearly that of a publication, why there
/// are none.
fn published(comparison: &Comparison) -> Option<String> {
    if let Some((Published { title, .. }, settings)) = Published::near(&comparison.config) {
        return Some(format!(
            "Published: no numbers, because the protocol is not quite that of {title}. These settings differ: {}.",
            settings.join(", ")
        ));
    }
    let Published {
        title,
        source,
        differences,
        ..
    } = Published::of(&comparison.config)?;
    Some(format!("Published: {title}, from {source}. {differences}"))
}

/// The name of a choice, as files have it.
fn word(choice: &impl serde::Serialize) -> String {
    match serde_json::to_value(choice) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::testing;
    use crate::experiment::{Experiment, ExperimentConfig};

    #[test]
    fn notes_name_the_search_what_was_left_out_and_the_end_of_a_range() {
        let notes = notes(&testing::comparison());
        let has = |part: &str| notes.iter().any(|note| note.contains(part));
        for part in [
            "one oracle search for all methods",
            "1000 held-out training images of each task",
            "3 values for each method",
            "with seed 1000.",
            "left out: progressive: a task has its own column.",
            "≥ or ≤ at a strength: ",
            "The range is 0.001 to 10 for si (c = 10).",
            "er (M = 129), bytes of si: its memory has as many bytes as si keeps.",
            "si: c is the strength of the penalty (eq. 4).",
            "scenario task (the network is told the task), 3 tasks",
            "adam with learning rate 0.001, reset between tasks: all",
            "Not searched, because there is no strength to search for, or because it was given: none (c = 0); er (M = 500)",
        ] {
            assert!(has(part), "{part}: {notes:#?}");
        }
    }

    #[test]
    fn strengths_are_not_marked_if_too_few_were_tried_and_one_note_says_so() {
        let mut comparison = testing::comparison();
        let searched = comparison.methods[1].searched.as_mut();
        searched.expect("it was searched").tried = vec![0.001, 10.0];
        comparison.methods.push(comparison.methods[1].clone());
        assert_eq!(comparison.methods[1].marked_label(), "si (c = 10)");
        let notes = notes(&comparison);
        let count = |part: &str| notes.iter().filter(|it| it.contains(part)).count();
        let small = "too small to tell whether a better strength lies beyond the range: that takes at least 3 values";
        assert_eq!(count(small), 1, "{notes:#?}");
        assert_eq!(count("≥"), 0, "{notes:#?}");
    }

    #[test]
    fn the_note_on_min_acc_says_when_the_runs_were_tested() {
        let mut comparison = testing::comparison();
        for (evaluate_each_epoch, part) in [
            (false, "at the tasks' ends alone"),
            (true, "after every epoch"),
        ] {
            comparison.config.evaluate_each_epoch = evaluate_each_epoch;
            let notes = notes(&comparison);
            let note = notes.iter().find(|it| it.starts_with("min-ACC: "));
            assert!(note.is_some_and(|it| it.contains(part)), "{notes:#?}");
        }
    }

    #[test]
    fn settings_that_keep_published_numbers_away_are_named() {
        let mut comparison = testing::comparison();
        let published = |comparison: &Comparison| {
            let mut notes = notes(comparison).into_iter();
            notes.find(|it| it.starts_with("Published: "))
        };
        assert_eq!(published(&comparison), None);
        let file = include_str!("../../paper/hsu2018_split_mnist.toml");
        let config = ExperimentConfig::paper(Experiment::SplitMnist);
        let config = config.with_toml_except_methods(file).expect("it is valid");
        comparison.config = ExperimentConfig {
            num_epochs: 1,
            batch_size: 64,
            ..config.clone()
        };
        let expected = "Published: no numbers, because the protocol is not quite that of Hsu et al. 2018. \
                        These settings differ: batch_size = 64, num_epochs = 1.";
        assert_eq!(published(&comparison).as_deref(), Some(expected));
        comparison.config = config;
        let note = published(&comparison).expect("the protocol is theirs");
        assert!(
            note.starts_with("Published: Hsu et al. 2018, from "),
            "{note}"
        );
    }

    #[test]
    fn runs_of_different_processors_have_a_note() {
        let mut comparison = testing::comparison();
        for (method, processor) in comparison.methods.iter_mut().zip(["Fast 2", "Slow 1"]) {
            method.processors = [processor.to_string()].into();
        }
        let notes = notes(&comparison);
        let expected = "the runs were made on different processors (Fast 2, Slow 1): ";
        assert!(
            notes.iter().any(|it| it.starts_with(expected)),
            "{notes:#?}"
        );
    }

    #[test]
    fn without_a_search_the_notes_say_that_strengths_were_given() {
        let comparison = Comparison {
            search: None,
            ..testing::comparison()
        };
        let notes = notes(&comparison);
        assert!(notes.iter().any(|it| it.starts_with("Strengths: as given")));
        assert!(!notes.iter().any(|it| it.contains("oracle")));
    }
}

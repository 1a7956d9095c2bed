use std::env;

use anyhow::Context;
use clap::Args;
use si_bench::Error;
use si_bench::experiment::Shard;

use crate::output;

/// Which of the runs this process does.
#[derive(Args, Clone, Debug)]
pub(crate) struct ShardArgs {
    /// Do only share I of N of the seeds, such as 2/8. Processes on several machines do one share each, in the same
    /// folder: give all the same --out DIR. auto reads I and N from the variables of a Slurm array, an AWS Batch array or
    /// an indexed Job of Kubernetes
    #[arg(
        long,
        value_name = "I/N",
        value_parser = Choice::parse,
        help_heading = "Run"
    )]
    shard: Option<Choice>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    Given(Shard),
    Auto,
}

impl Choice {
    fn parse(text: &str) -> Result<Self, Error> {
        match text {
            "auto" => Ok(Self::Auto),
            text => text.parse().map(Self::Given),
        }
    }
}

impl ShardArgs {
    /// The shard to do. `None` if this process does all runs. Says what `auto` found.
    pub(crate) fn find(&self) -> anyhow::Result<Option<Shard>> {
        match self.shard {
            None => Ok(None),
            Some(Choice::Given(shard)) => Ok(Some(shard)),
            Some(Choice::Auto) => {
                let found = detect(&|name| env::var(name).ok())?;
                output::note(format_args!("shard {}, from {}", found.shard, found.origin));
                Ok(Some(found.shard))
            }
        }
    }
}

/// A shard, and the variables that it follows from.
#[derive(Debug)]
struct Found {
    shard: Shard,
    origin: String,
}

type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The number of shards, where a scheduler does not tell it. If one does, it must be the same.
const COUNT: &str = "SI_SHARDS";

const SLURM: &str = "SLURM_ARRAY_TASK_ID";
const AWS_BATCH: &str = "AWS_BATCH_JOB_ARRAY_INDEX";
const KUBERNETES: &str = "JOB_COMPLETION_INDEX";

/// The shard that the variables of a scheduler name.
fn detect(variables: Variables<'_>) -> anyhow::Result<Found> {
    let schedulers = [slurm, aws_batch, kubernetes];
    let found: Vec<Found> = schedulers
        .iter()
        .filter_map(|scheduler| scheduler(variables).transpose())
        .collect::<Result<_, _>>()?;
    let mut found = found.into_iter();
    let Some(first) = found.next() else {
        return Err(usage(format!(
            "--shard auto finds none of {SLURM}, {AWS_BATCH} and {KUBERNETES}: start it as a task of a job array, or give \
             the shard, such as --shard 2/8"
        )));
    };
    if let Some(other) = found.find(|other| other.shard != first.shard) {
        return Err(usage(format!(
            "--shard auto finds two shards: {}, from {}, and {}, from {}; unset the variables of one of them, or give the \
             shard, such as --shard {}",
            first.shard, first.origin, other.shard, other.origin, first.shard
        )));
    }
    if let Some(count) = number(variables, COUNT)?
        && count != first.shard.count()
    {
        return Err(usage(format!(
            "{COUNT} is {count}, but there are {} shards according to {}: set it to the same number, or unset it",
            first.shard.count(),
            first.origin
        )));
    }
    Ok(first)
}

/// Slurm numbers the tasks of an array as its `--array` says.
fn slurm(variables: Variables<'_>) -> anyhow::Result<Option<Found>> {
    const MIN: &str = "SLURM_ARRAY_TASK_MIN";
    const MAX: &str = "SLURM_ARRAY_TASK_MAX";
    const TASKS: &str = "SLURM_ARRAY_TASK_COUNT";
    const STEP: &str = "SLURM_ARRAY_TASK_STEP";
    let Some(id) = number(variables, SLURM)? else {
        return Ok(None);
    };
    let min = needed(variables, MIN, SLURM)?;
    let max = needed(variables, MAX, SLURM)?;
    let count = needed(variables, TASKS, SLURM)?;
    let step = number(variables, STEP)?.unwrap_or(1).max(1);
    let origin = format!(
        "{SLURM} = {id}, with {MIN} = {min}, {MAX} = {max}, {STEP} = {step} and {TASKS} = {count}"
    );
    let width = count.checked_sub(1).and_then(|gaps| gaps.checked_mul(step));
    let is_even = width.is_some() && max.checked_sub(min) == width;
    let place = id
        .checked_sub(min)
        .filter(|distance| is_even && distance % step == 0);
    match place.map(|distance| distance / step) {
        Some(place) if place < count => found(place, count, origin).map(Some),
        _ => Err(usage(format!(
            "{origin} is not a task of an evenly spaced array: submit it as --array=1-N, or give the shard, such as \
             --shard 2/8"
        ))),
    }
}

/// AWS Batch numbers the children of an array job from 0.
fn aws_batch(variables: Variables<'_>) -> anyhow::Result<Option<Found>> {
    const SIZE: &str = "AWS_BATCH_JOB_ARRAY_SIZE";
    let Some(place) = number(variables, AWS_BATCH)? else {
        return Ok(None);
    };
    let count = needed(variables, SIZE, AWS_BATCH)?;
    let origin = format!("{AWS_BATCH} = {place} (from 0) of {SIZE} = {count}");
    found(place, count, origin).map(Some)
}

/// Kubernetes numbers the pods of an indexed Job from 0, and does not tell them how many there are.
fn kubernetes(variables: Variables<'_>) -> anyhow::Result<Option<Found>> {
    let Some(place) = number(variables, KUBERNETES)? else {
        return Ok(None);
    };
    let count = needed(variables, COUNT, KUBERNETES)
        .context("give the pods the completions of their Job as a variable")?;
    let origin = format!("{KUBERNETES} = {place} (from 0) of {COUNT} = {count}");
    found(place, count, origin).map(Some)
}

/// The shard at `place`, from 0.
fn found(place: usize, count: usize, origin: String) -> anyhow::Result<Found> {
    let shard = place
        .checked_add(1)
        .and_then(|index| Shard::new(index, count).ok());
    match shard {
        Some(shard) => Ok(Found { shard, origin }),
        None => Err(usage(format!(
            "{origin} is no shard: the number must be smaller than that of all shards"
        ))),
    }
}

/// A variable without which `beside` says nothing.
fn needed(variables: Variables<'_>, name: &str, beside: &str) -> anyhow::Result<usize> {
    number(variables, name)?.ok_or_else(|| {
        usage(format!(
            "{beside} is set, but {name}, the other half of --shard auto, is not"
        ))
    })
}

/// The number in a variable. `None` if it is unset or empty.
fn number(variables: Variables<'_>, name: &str) -> anyhow::Result<Option<usize>> {
    let Some(text) = variables(name).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    match text.trim().parse() {
        Ok(number) => Ok(Some(number)),
        Err(_) => Err(usage(format!("{name} must be a number, got {text:?}"))),
    }
}

/// An error of the request, not of the program.
fn usage(message: String) -> anyhow::Error {
    Error::Config(message).into()
}

#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use si_bench::experiment::{FolderLock, Shard, refuse_results};

use super::CompareArgs;
use super::plan::Plan;
use crate::experiment;
use crate::output_folder::ROOT;

/// A comparison that begins or goes on.
pub(super) struct Started {
    pub(super) folder: PathBuf,
    pub(super) plan: Plan,
    /// The share of the runs that this process does. `None` if it does all.
    pub(super) shard: Option<Shard>,
    /// Shards hold none: the folders of both phases have locks of their own.
    _lock: Option<FolderLock>,
}

/// The comparison that `args` ask for. Its folder is created if it is not there, and its plan is written.
pub(super) fn start(args: &CompareArgs) -> anyhow::Result<Started> {
    match args.shard.find()? {
        None => alone(args),
        Some(shard) => beside_others(args, shard),
    }
}

fn alone(args: &CompareArgs) -> anyhow::Result<Started> {
    let root = Path::new(ROOT).join("compare").join(args.experiment.name());
    let (folder, plan, lock) = match &args.settings.resume {
        None => {
            let (plan, folder) = Plan::new(args)?.in_new_folder(&root)?;
            let lock = FolderLock::hold(&folder)?;
            (folder, plan, lock)
        }
        Some(resume) => {
            let newest = || Plan::newest_unfinished(&root);
            let folder = experiment::resumed(&args.settings, resume.as_ref(), newest)?;
            let plan = Plan::read(&folder)?;
            let lock = FolderLock::hold(&folder)?;
            let plan = plan.resumed(&folder, args)?;
            (folder, plan, lock)
        }
    };
    plan.write(&folder)?;
    Ok(Started {
        folder,
        plan,
        shard: None,
        _lock: Some(lock),
    })
}

/// The first shard writes the plan. The others check that theirs is the same.
fn beside_others(args: &CompareArgs, shard: Shard) -> anyhow::Result<Started> {
    let resume = args.settings.resume.clone();
    let nowhere = || Err(experiment::nowhere().into());
    let folder = experiment::resumed(&args.settings, resume.clone().flatten().as_ref(), nowhere)?;
    let is_first = resume.is_none() && !Plan::is_in(&folder);
    let new = is_first.then(|| Plan::new(args)).transpose()?;
    if is_first {
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
    }
    let _lock = FolderLock::wait(&folder)?;
    let plan = match new {
        // Another shard may have come first.
        Some(new) if !Plan::is_in(&folder) => {
            refuse_results(&folder)?;
            new.without_folder()
        }
        _ => Plan::read(&folder)?.resumed(&folder, args)?,
    };
    plan.for_every_machine().write(&folder)?;
    Ok(Started {
        folder,
        plan,
        shard: Some(shard),
        _lock: None,
    })
}

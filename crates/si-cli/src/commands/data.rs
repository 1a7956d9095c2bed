use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use anyhow::bail;
use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use indicatif::{DecimalBytes, ProgressBar, ProgressStyle};
use si_bench::data::{
    DataFolders, DataSet, DownloadProgress, FileReport, FileStatus, OwnImages, fetch, inventory,
    load_own_images,
};

use crate::output;

/// List the data sets: where their files are, how large they are, and whether they are intact
#[derive(Args, Debug)]
pub(crate) struct DataArgs {
    /// Read every file and compare it with the official checksum
    #[arg(long)]
    verify: bool,

    /// Download missing or damaged files of this data set into the cache
    #[arg(
        long,
        value_name = "DATA_SET",
        value_parser = PossibleValuesParser::new(DataSet::ALL.map(DataSet::name))
            .try_map(|name| name.parse::<DataSet>())
    )]
    fetch: Vec<DataSet>,

    /// Folder with the official files [default: SI_DATA_DIR, then the cache]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// Instead of listing the data sets, read the images of your own in this folder and say what it
    /// holds
    #[arg(long, value_name = "DIR", conflicts_with_all = ["verify", "fetch", "data_dir"])]
    images: Option<PathBuf>,
}

pub(crate) fn run(args: &DataArgs) -> anyhow::Result<()> {
    if let Some(folder) = &args.images {
        return Ok(output::result(description(
            folder,
            &load_own_images(folder)?,
        ))?);
    }
    let folders = DataFolders::find(args.data_dir.as_deref());
    for data_set in &args.fetch {
        if data_set.is_in_the_box() {
            output::note(format_args!(
                "{data_set} is part of this program: nothing to download"
            ));
        } else {
            fetch_with_bar(*data_set, &folders)?;
        }
    }
    let mut reports = inventory(&folders)?;
    if args.verify {
        reports = reports.into_iter().map(FileReport::verified).collect();
    }
    output::result(listing(&reports, &folders).trim_end())?;
    let num_damaged = reports
        .iter()
        .filter(|report| matches!(report.status, FileStatus::Damaged(_)))
        .count();
    match num_damaged {
        0 => Ok(()),
        1 => bail!("1 file is damaged"),
        _ => bail!("{num_damaged} files are damaged"),
    }
}

fn fetch_with_bar(data_set: DataSet, folders: &DataFolders) -> anyhow::Result<()> {
    let style = ProgressStyle::with_template(
        "{msg:<24} {bar:30} {decimal_bytes:>9} of {decimal_total_bytes} {decimal_bytes_per_sec}",
    )?;
    let bar = ProgressBar::no_length().with_style(style);
    let mut observe = |progress: DownloadProgress| {
        if bar.message() != progress.file {
            bar.set_message(progress.file);
            bar.reset();
        }
        if let Some(total) = progress.total {
            bar.set_length(total);
        }
        bar.set_position(progress.received);
    };
    let result = fetch(data_set, folders, &mut observe);
    bar.finish_and_clear();
    Ok(result?)
}

/// What the user's own images in `folder` are.
fn description(folder: &Path, OwnImages { set, splits }: &OwnImages) -> String {
    let [channels, height, width] = set.shape;
    format!(
        "{}: {} classes ({})\n\
         {} training images and {} test images, each with {channels} channel(s) of {height} × {width} pixels\n\
         md5 {}",
        folder.display(),
        set.classes.len(),
        set.classes.join(", "),
        splits.train.len(),
        splits.test.len(),
        set.md5
    )
}

/// One line per file, then remarks on single files, then how to get missing data.
fn listing(reports: &[FileReport], folders: &DataFolders) -> String {
    let mut lines = vec![["data set", "file", "size", "status", "place"].map(str::to_string)];
    let mut remarks = Vec::new();
    for report in reports {
        let status = match &report.status {
            FileStatus::Missing => "missing",
            FileStatus::Present => "present",
            FileStatus::Official => "official",
            FileStatus::Sound => "sound",
            FileStatus::Damaged(_) => "damaged",
        };
        lines.push([
            report.data_set.to_string(),
            report.file.to_string(),
            report
                .size
                .map_or("-".to_string(), |bytes| DecimalBytes(bytes).to_string()),
            status.to_string(),
            report
                .place
                .as_ref()
                .map_or("-".to_string(), ToString::to_string),
        ]);
        remarks.extend(remark(report));
    }
    let mut text = table(&lines);
    for remark in remarks {
        let _ = writeln!(text, "\n{remark}");
    }
    for data_set in DataSet::ALL {
        let is_missing = |report: &FileReport| {
            report.data_set == data_set && report.status == FileStatus::Missing
        };
        if reports.iter().any(is_missing) {
            let _ = writeln!(text, "\nTo download {data_set}: si data --fetch {data_set}");
        }
    }
    let _ = match &folders.cache {
        Some(cache) => writeln!(text, "\nDownloads go to {}.", cache.display()),
        None => writeln!(
            text,
            "\nThere is no home folder, so there is no folder for downloads."
        ),
    };
    text
}

fn remark(report: &FileReport) -> Option<String> {
    let name = format!("{} {}", report.data_set, report.file);
    match (&report.status, &report.found_md5, report.expected_md5) {
        (FileStatus::Damaged(reason), _, _) => Some(format!("{name} is damaged: {reason}.")),
        (FileStatus::Sound, Some(found), Some(expected)) => Some(format!(
            "{name} has the right structure, but its bytes differ from the official file: \
             md5 {found} instead of {expected}."
        )),
        (FileStatus::Sound, Some(found), None) => Some(format!(
            "{name} has the right structure. No official checksum is known for this form of the \
             file; its md5 is {found}."
        )),
        _ => None,
    }
}

/// Columns as wide as their widest cell, two spaces apart.
fn table(lines: &[[String; 5]]) -> String {
    let mut widths = [0; 5];
    for line in lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for line in lines {
        let cells: Vec<String> = line
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        text += cells.join("  ").trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_listing_shows_every_file_and_its_place() {
        let folders = DataFolders::default();
        let reports = inventory(&folders).expect("no folder to read");
        let text = listing(&reports, &folders);
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[1].starts_with("mnist          train-images-idx3-ubyte  47.04 MB  present"),
            "{text}"
        );
        assert!(lines[1].ends_with("this program"), "{text}");
        assert!(lines[8].ends_with("missing  -"), "{text}");
    }

    #[test]
    fn damage_is_an_error_and_is_explained() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("t10k-labels-idx1-ubyte");
        std::fs::write(&path, b"short").expect("a writable folder");
        let args = DataArgs {
            verify: true,
            fetch: Vec::new(),
            data_dir: Some(folder.path().to_path_buf()),
            images: None,
        };
        let error = run(&args).expect_err("damaged").to_string();
        assert_eq!(error, "2 files are damaged");
    }
}

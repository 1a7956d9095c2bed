use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::command::{run, workspace};

/// The book's folder, below the workspace.
const BOOK: &str = "docs";
/// Pages outside the book whose links are checked too.
const OTHER_PAGES: [&str; 5] = [
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "crates/si-core/README.md",
];

/// Build the book in `docs` as web pages, in target/book.
///
/// Needs mdBook: `cargo install mdbook`. The pages can also be read as plain Markdown.
#[derive(Args)]
pub(crate) struct Book {
    /// Check only the links and the table of contents; this does not need mdBook
    #[arg(long)]
    check: bool,
}

impl Book {
    pub(crate) fn run(&self) -> Result<()> {
        check()?;
        if self.check {
            return Ok(());
        }
        let mut mdbook = Command::new("mdbook");
        mdbook.current_dir(workspace()).args(["build", BOOK]);
        run(mdbook).context("is mdBook installed? If not: `cargo install mdbook`")
    }
}

/// Checks that each page is in the table of contents, and that each link to a file leads to an existing file.
pub(crate) fn check() -> Result<()> {
    let book = workspace().join(BOOK);
    let summary = book.join("SUMMARY.md");
    let contents = links(&read(&summary)?);
    let mut pages: Vec<PathBuf> = OTHER_PAGES.map(|page| workspace().join(page)).to_vec();
    let entries = fs::read_dir(&book).with_context(|| format!("cannot read {}", book.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "md") {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            ensure!(
                path == summary || contents.iter().any(|link| *link == name),
                "{BOOK}/{name} is not in the table of contents, {}",
                summary.display()
            );
            pages.push(path);
        }
    }
    let mut broken = Vec::new();
    for page in pages {
        let folder = page.parent().unwrap_or(Path::new(""));
        for link in links(&read(&page)?) {
            let file = link.split('#').next().unwrap_or_default();
            let is_elsewhere = file.is_empty() || file.contains("://");
            if !is_elsewhere && !folder.join(file).exists() {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    if !broken.is_empty() {
        bail!("broken links:\n{}", broken.join("\n"));
    }
    Ok(())
}

/// The targets of a Markdown page's links and pictures.
fn links(page: &str) -> Vec<String> {
    let ends = page.split("](").skip(1);
    let targets = ends.filter_map(|rest| rest.split_once(')').map(|(target, _)| target));
    targets.map(String::from).collect()
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

use std::fs;
use std::iter;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Command};
use clap_mangen::Man;

use crate::output;

const EXAMPLES: &str = "\
Examples:
  si man | man -l -                       show the page of si
  si man ~/.local/share/man/man1          install all pages; then: man si-split-mnist";

/// Print the manual page of si, or write the pages of all commands into a folder
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ManArgs {
    /// Folder for the page of si and one for each command, created if missing; existing pages are
    /// overwritten
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

pub(crate) fn run(args: &ManArgs, program: Command) -> anyhow::Result<()> {
    let mut program = program.disable_help_subcommand(true);
    // Only then a command knows the name of its page, such as si-split-mnist.
    program.build();
    let Some(folder) = &args.folder else {
        let mut text = Vec::new();
        page(&program).render(&mut text)?;
        output::text(&String::from_utf8(text)?)?;
        return Ok(());
    };
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let shown = program.get_subcommands().filter(|it| !it.is_hide_set());
    for command in iter::once(&program).chain(shown) {
        let page = page(command);
        let path = page.generate_to(folder).with_context(|| {
            format!(
                "cannot write {}",
                folder.join(page.get_filename()).display()
            )
        })?;
        output::result(format_args!("wrote {}", path.display()))?;
    }
    Ok(())
}

fn page(command: &Command) -> Man {
    Man::new(command.clone()).source(concat!("si ", env!("CARGO_PKG_VERSION")))
}

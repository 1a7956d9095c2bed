use clap::{Args, Command};
use clap_complete::{Shell, generate};

use crate::output;

const PLACES: &str = "\
Where shells look for the script:
  si completions bash > ~/.local/share/bash-completion/completions/si
  si completions fish > ~/.config/fish/completions/si.fish
  si completions zsh > ~/.zfunc/_si      before compinit, ~/.zshrc says: fpath+=~/.zfunc
  si completions powershell | Out-String | Invoke-Expression      a line of $PROFILE
  eval (si completions elvish | slurp)      a line of ~/.config/elvish/rc.elv";

/// Print a script that completes commands and flags in your shell
#[derive(Args, Debug)]
#[command(after_help = PLACES)]
pub(crate) struct CompletionsArgs {
    /// Your shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(args: &CompletionsArgs, program: &Command) -> anyhow::Result<()> {
    let mut script = Vec::new();
    generate(args.shell, &mut without_hidden(program), "si", &mut script);
    output::text(&String::from_utf8(script)?)?;
    Ok(())
}

/// The program without the commands that its help hides: the scripts would complete them too.
fn without_hidden(program: &Command) -> Command {
    let shown = program.get_subcommands().filter(|it| !it.is_hide_set());
    Command::new("si")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommands(shown.cloned())
}

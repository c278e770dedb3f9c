//! `isobar serve`

use std::net::SocketAddr;

use clap::Args;

use super::{Failure, Global};
use crate::exit::Exit;
use crate::serve::{self, Options, ServeError, Token};
use crate::terminal;

#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Where to listen; beyond this machine a token is asked for
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7070")]
    listen: SocketAddr,
    /// What whoever asks has to know; drawn and printed where it is needed and not given
    #[arg(long, value_name = "TOKEN", env = "ISOBAR_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

/// Shows the store in a browser until Ctrl-C; prints the address to open.
pub fn serve(args: &ServeArgs, global: &Global) -> Result<Exit, Failure> {
    let token = args.token.as_deref().map(Token::parse).transpose().map_err(Failure::usage)?;
    let options = Options { store: global.store.clone(), listen: args.listen, token };
    let runtime = tokio::runtime::Runtime::new().map_err(Failure::set_up)?;
    let served = runtime.block_on(serve::serve(options, |address| {
        terminal::result(address);
        if !global.quiet {
            terminal::note("Ctrl-C ends it; nothing in the store is changed");
        }
    }));
    runtime.shutdown_background();
    served.map(|()| Exit::Valid).map_err(|error| match error {
        ServeError::Store { .. } => Failure::usage(error),
        _ => Failure::set_up(error),
    })
}

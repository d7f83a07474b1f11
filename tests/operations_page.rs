//! The operations page in a browser; what is done there is in `browser/operations.mjs`.

use std::path::Path;
use std::process::Command;

use exodrive_tests::{OPERATIONS_TOKEN, Server};
use tempfile::TempDir;

const BROWSER: &str = "chromium-headless-shell";

#[tokio::test]
async fn an_operator_sees_and_does_everything_in_a_browser() {
    let found = |program| Command::new(program).arg("--version").output().is_ok();
    for (program, package) in [("node", "nodejs"), (BROWSER, BROWSER)] {
        assert!(
            found(program),
            "missing: apt-get install {package}, or run .ci/test"
        );
    }
    // Where `.ci/test` installs what the script imports.
    let modules = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("browser");
    assert!(
        modules.join("node_modules").exists(),
        "missing: run .ci/test"
    );

    let server = Server::start_with(|config| {
        config.admin_token = Some(OPERATIONS_TOKEN.parse().unwrap());
        config.trusted_proxies = "127.0.0.1".parse().unwrap();
    })
    .await;
    let (car, _) = server.free_car().await;
    let pictures = TempDir::new().unwrap().keep();
    let mut script = Command::new("node");
    script
        .arg("browser/operations.mjs")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("API", format!("http://{}", server.running.address()))
        .env(
            "OPERATIONS",
            format!("http://{}", server.running.operations_address()),
        )
        .env("TOKEN", OPERATIONS_TOKEN)
        .env("CAR", car)
        .env("MODULES", modules)
        .env("CHROMIUM", format!("/usr/bin/{BROWSER}"))
        .env("PICTURES", &pictures);
    let output = tokio::task::spawn_blocking(move || script.output());
    let output = output.await.unwrap().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "see {}: {errors}",
        pictures.display()
    );
    std::fs::remove_dir_all(pictures).unwrap();
}

//! Generates the message types. The compiler is `protox`, so that a build needs no `protoc` on the machine.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = ["pastoral/device/v1/device.proto", "pastoral/local/v1/local.proto"];
    for file in files {
        println!("cargo:rerun-if-changed={file}");
    }
    let descriptors = protox::compile(files, ["."])?;
    // Both sides bring a transport of their own: the device's goes through proxies, the collector's checks rows.
    tonic_prost_build::configure()
        .build_transport(false)
        .compile_fds(descriptors)?;
    Ok(())
}

//! A registry of one image, on a free port of the loopback interface: who pulls on this machine takes it as it is.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

use serde_json::json;
use sha2::{Digest, Sha256};

/// The registry, for as long as the tests run.
pub struct Registry {
    pub address: String,
    /// The digest of the image.
    pub digest: String,
}

struct Blob {
    digest: String,
    media_type: &'static str,
    content: Vec<u8>,
}

impl Blob {
    fn new(media_type: &'static str, content: Vec<u8>) -> Self {
        let hex: Vec<String> = Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
        Self { digest: format!("sha256:{}", hex.concat()), media_type, content }
    }

    fn descriptor(&self) -> serde_json::Value {
        json!({"mediaType": self.media_type, "digest": self.digest, "size": self.content.len()})
    }
}

impl Registry {
    /// Serves the image of one layer, a tar archive, under every name.
    pub fn of(layer: Vec<u8>) -> Self {
        let layer = Blob::new("application/vnd.oci.image.layer.v1.tar", layer);
        let config = json!({
            "architecture": "amd64", "os": "linux", "config": {"Env": ["PATH=/bin"], "Cmd": ["sh"]},
            "rootfs": {"type": "layers", "diff_ids": [layer.digest]}
        });
        let config = Blob::new("application/vnd.oci.image.config.v1+json", config.to_string().into_bytes());
        let media_type = "application/vnd.oci.image.manifest.v1+json";
        let manifest = json!({
            "schemaVersion": 2, "mediaType": media_type, "config": config.descriptor(), "layers": [layer.descriptor()]
        });
        let manifest = Blob::new(media_type, manifest.to_string().into_bytes());
        let digest = manifest.digest.clone();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let blobs: &'static [Blob] = Box::leak(Box::new([manifest, config, layer]));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                std::thread::spawn(move || answer(stream, blobs));
            }
        });
        Self { address, digest }
    }
}

/// Answers the requests of one connection: the three blobs by digest.
fn answer(stream: TcpStream, blobs: &[Blob]) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    loop {
        let mut request = String::new();
        if reader.read_line(&mut request).unwrap_or(0) == 0 {
            return;
        }
        let mut header = String::new();
        while reader.read_line(&mut header).unwrap_or(0) > 2 {
            header.clear();
        }
        let mut words = request.split_whitespace();
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let path = path.split('?').next().unwrap_or_default();
        let wanted = blobs.iter().find(|blob| path.ends_with(&blob.digest));
        let (status, kind, digest, content): (_, _, _, &[u8]) = match wanted {
            Some(blob) => ("200 OK", blob.media_type, blob.digest.as_str(), &blob.content),
            None if path == "/v2/" => ("200 OK", "application/json", "", b"{}"),
            None => ("404 Not Found", "application/json", "", br#"{"errors":[{"code":"MANIFEST_UNKNOWN"}]}"#),
        };
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nDocker-Content-Digest: {digest}\r\nContent-Length: {}\r\n\r\n",
            content.len()
        );
        let body = if method == "HEAD" { &[] } else { content };
        if writer.write_all(head.as_bytes()).and_then(|()| writer.write_all(body)).is_err() {
            return;
        }
    }
}

//! Health and reflection on Jaeger's port.

use std::time::Duration;

use prost::Message;
use prost_types::FileDescriptorProto;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::{v1, v1alpha};

use super::channel;
use crate::receive::house::House;

const SERVICES: [&str; 3] = ["", "jaeger.api_v2.CollectorService", "jaeger.api_v2.SamplingManager"];

fn about(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.into() }
}

#[tokio::test]
async fn health_is_serving_until_the_drain() {
    let house = House::new().await;
    let mut client = HealthClient::new(channel(house.jaeger_grpc).await);
    for service in SERVICES {
        let answer = client.check(about(service)).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{service}");
    }
    assert_eq!(client.check(about("other")).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(client.watch(about("other")).await.unwrap_err().code(), Code::NotFound);
    house.health.set_draining();
    for service in SERVICES {
        let answer = client.check(about(service)).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::NotServing, "{service}");
    }
}

#[tokio::test]
async fn those_who_watch_hear_of_the_drain_and_do_not_hold_it_up() {
    let house = House::new().await;
    let mut client = HealthClient::new(channel(house.jaeger_grpc).await);
    let mut watched = client.watch(about("")).await.unwrap().into_inner();
    assert_eq!(watched.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    house.health.set_draining();
    assert_eq!(watched.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    assert!(watched.message().await.unwrap().is_none());
    // One who comes late hears it once.
    let mut late = client.watch(about("")).await.unwrap().into_inner();
    assert_eq!(late.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    assert!(late.message().await.unwrap().is_none());
    assert_eq!(house.server.drain(Duration::from_secs(3600)).await, 0);
}

const LISTED: [&str; 5] = [
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
    "jaeger.api_v2.CollectorService",
    "jaeger.api_v2.SamplingManager",
];

/// Asks one version of reflection for the services, for the file of Jaeger's, and for what that
/// imports.
macro_rules! reflects {
    ($version:ident, $house:expr) => {{
        use $version::server_reflection_request::MessageRequest;
        use $version::server_reflection_response::MessageResponse;
        let mut client =
            $version::server_reflection_client::ServerReflectionClient::new(channel($house.jaeger_grpc).await);
        let requests = [
            MessageRequest::ListServices(String::new()),
            MessageRequest::FileContainingSymbol("jaeger.api_v2.CollectorService".into()),
            MessageRequest::FileByFilename("jaeger/api_v2/model.proto".into()),
            MessageRequest::FileByFilename("google/protobuf/timestamp.proto".into()),
            MessageRequest::FileContainingSymbol("jaeger.api_v2.SamplingManager".into()),
        ];
        let requests = requests
            .map(|request| $version::ServerReflectionRequest { host: String::new(), message_request: Some(request) });
        let mut answers = client.server_reflection_info(tokio_stream::iter(requests)).await.unwrap().into_inner();
        let Some(MessageResponse::ListServicesResponse(list)) =
            answers.message().await.unwrap().unwrap().message_response
        else {
            panic!("no list")
        };
        let mut names: Vec<_> = list.service.into_iter().map(|service| service.name).collect();
        names.sort();
        assert_eq!(names, LISTED);
        let mut files = Vec::new();
        while let Some(answer) = answers.message().await.unwrap() {
            let Some(MessageResponse::FileDescriptorResponse(file)) = answer.message_response else {
                panic!("no file")
            };
            files.push(FileDescriptorProto::decode(&file.file_descriptor_proto[0][..]).unwrap());
        }
        files
    }};
}

#[tokio::test]
async fn reflection_tells_what_is_served_in_both_versions() {
    let house = House::new().await;
    for files in [reflects!(v1, house), reflects!(v1alpha, house)] {
        let [collector, model, timestamp, sampling] = &files[..] else { panic!("{} files", files.len()) };
        let method = &collector.service[0].method[0];
        assert_eq!((method.name(), method.input_type()), ("PostSpans", ".jaeger.api_v2.PostSpansRequest"));
        assert_eq!(collector.dependency, [model.name()]);
        assert!(model.dependency.contains(&timestamp.name().to_string()));
        let span = model.message_type.iter().find(|message| message.name() == "Span").unwrap();
        let process = span.field.iter().find(|field| field.name() == "process").unwrap();
        assert_eq!(process.number(), 10);
        let method = &sampling.service[0].method[0];
        assert_eq!(
            (method.name(), method.output_type()),
            ("GetSamplingStrategy", ".jaeger.api_v2.SamplingStrategyResponse")
        );
    }
}

#[tokio::test]
async fn other_ports_have_no_health_as_in_jaeger() {
    let house = House::new().await;
    let mut client = HealthClient::new(channel(house.otlp_grpc).await);
    let status = client.check(about("")).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Unimplemented, "unknown service grpc.health.v1.Health"));
}

//! Every input that is in no key, one after the other.

use std::fmt::Write as _;

use super::connection::{Server, get};

const CANARY: &str = "canary7f3a";

/// Header names that applications, frameworks and proxies are known to read.
const HEADERS: &str = "
    accept accept-charset accept-datetime accept-encoding accept-version access-control-request-headers
    access-control-request-method akamai-client-ip api-key api-version app-version apigw-requestid authority base-url
    cache-control cdn-loop cf-connecting-ip cf-ipcountry cf-ray cf-visitor clear-site-data client-ip cluster-client-ip
    contact content-disposition content-encoding content-language content-location content-type correlation-id destination
    device-memory device-stock-ua digest dnt downlink dpr early-data fastly-client-ip fastly-ff feature-flags forwarded
    forwarded-for forwarded-host forwarded-proto forwarded-server from front-end-https http-host http-referer
    http-x-forwarded-for if-match if-modified-since if-none-match if-range if-unmodified-since incap-client-ip keep-alive
    link location max-forwards method-override oidc-claim-sub origin path-info pragma prefer profile proxy proxy-connection
    proxy-host proxy-url purpose range real-ip redirect referer referrer remote-addr remote-user request-id request-uri
    requested-with rtt save-data scheme sec-ch-ua sec-ch-ua-mobile sec-ch-ua-platform sec-fetch-dest sec-fetch-mode
    sec-fetch-site sec-fetch-user sec-gpc sec-websocket-key sec-websocket-protocol server-name service-worker soapaction
    source-ip surrogate-capability surrogate-control te timing-allow-origin tracestate traceparent translate trailer
    true-client-ip uber-trace-id uri url user user-agent user-id variant-vary verify version via viewport-width
    wap-profile warning web-server-api width x-access-token x-amz-cf-id x-amz-website-redirect-location x-amzn-trace-id
    x-api-key x-api-version x-app-version x-appengine-country x-arr-ssl x-att-deviceid x-auth-token x-azure-clientip
    x-azure-fdid x-backend-host x-client-ip x-cluster-client-ip x-content-type-options x-correlation-id x-country
    x-csrf-token x-custom-ip-authorization x-debug x-device-type x-do-not-track x-envoy-original-path x-error-redirect
    x-experiment x-feature x-file-name x-forward-for x-forward-proto x-forwarded x-forwarded-by x-forwarded-client-cert
    x-forwarded-for x-forwarded-for-original x-forwarded-host x-forwarded-path x-forwarded-port x-forwarded-prefix
    x-forwarded-proto x-forwarded-protocol x-forwarded-scheme x-forwarded-server x-forwarded-ssl x-forwarder-for
    x-frame-options x-from x-geo-country x-host x-host-name x-http-destinationurl x-http-host-override x-http-method
    x-http-method-override x-http-path-override x-https x-invoke-path x-invoke-status x-language x-locale x-matched-path
    x-method-override x-middleware-prefetch x-middleware-subrequest x-mobile x-nextjs-data x-now-route-matches
    x-original-forwarded-for x-original-host x-original-method x-original-path x-original-query x-original-remote-addr
    x-original-uri x-original-url x-originating-ip x-override-url x-path-info x-platform x-prerender x-prototype-version
    x-proxy-url x-purpose x-query-string x-real-host x-real-ip x-real-url x-redirect x-referer x-remote-addr x-remote-ip
    x-remote-user x-request-id x-requested-with x-rewrite-path x-rewrite-query x-rewrite-url x-scheme x-script-name
    x-server-name x-service x-session-id x-skin x-sub-domain x-tenant x-tenant-id x-theme x-timer x-true-client-ip x-trusted
    x-uidh x-url x-url-scheme x-user x-user-id x-ua-device x-variant x-version x-wap-profile x-webkit-csp x-wp-nonce";

/// Query parameters that applications and analytics are known to read.
const PARAMETERS: &str = "
    _ _escaped_fragment_ _method _rsc __a __nextdatareq ab action amp api_key app_id asset back base bust cachebuster callback
    campaign cb cid client code continue country cx debug dest domain email error fbclid feature file filter format from gclid
    goto hl host href id image img jsonp key lang language layout limit locale locationurl mc_cid mc_eid method mode msclkid
    name next offset origin p%61ge pAge page%20 PAGE path per_page preview q query r redirect redirect_uri ref referrer
    return return_to returnUrl s script search session size skin sort src state step style tab template tenant theme title
    to token tracking type ui url user user_id utm_campaign utm_content utm_medium utm_source utm_term v variant ver version
    view width";

/// Sends a canary, asks as another client does, and returns what is wrong.
async fn poison(server: &Server, attack: &str, path: &str) -> Option<String> {
    let attacked = server.send(attack).await;
    let clean = server.get(path).await;
    let again = server.get(path).await;
    let mut wrong = String::new();
    for answer in [&clean, &again] {
        if answer.status != 200 || answer.contains(CANARY) {
            let _ = writeln!(wrong, "  {:?} after {attack:?}", answer);
        }
    }
    // What was stored, if anything was, is what everybody gets; a request that was refused or went past stores nothing.
    let expected = match attacked.state() {
        "MISS" => "HIT",
        _ => "MISS",
    };
    if clean.state() != expected || again.state() != "HIT" {
        let states = [attacked.state(), clean.state(), again.state()];
        let _ = writeln!(wrong, "  {states:?} after {attack:?}");
    }
    (!wrong.is_empty()).then_some(wrong)
}

#[tokio::test]
async fn no_header_reaches_another_client() {
    let server = Server::start().await;
    let names: Vec<&str> = HEADERS.split_whitespace().collect();
    assert!(names.len() >= 240, "{} names", names.len());
    let mut wrong = String::new();
    for (n, name) in names.iter().enumerate() {
        let path = format!("/cars/{n}");
        let attack = get(&path, &format!("{name}: {CANARY}\r\n"));
        wrong.extend(poison(&server, &attack, &path).await);
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Those who are somebody go past the cache, and their answers into no store.
#[tokio::test]
async fn no_credentials_reach_another_client() {
    let server = Server::start().await;
    for (n, name) in ["authorization", "cookie"].iter().enumerate() {
        let path = format!("/cars/{n}");
        let own = server
            .send(&get(&path, &format!("{name}: {CANARY}\r\n")))
            .await;
        assert_eq!(own.state(), "BYPASS");
        assert!(own.contains(CANARY));
        let clean = server.get(&path).await;
        assert_eq!(clean.state(), "MISS");
        assert!(!clean.contains(CANARY));
    }
}

#[tokio::test]
async fn no_parameter_reaches_another_client() {
    let server = Server::start().await;
    let names: Vec<&str> = PARAMETERS.split_whitespace().collect();
    assert!(names.len() >= 100, "{} names", names.len());
    let mut wrong = String::new();
    for (n, name) in names.iter().enumerate() {
        let path = format!("/cars/{n}");
        for query in [
            format!("{name}={CANARY}"),
            format!("{name}[]={CANARY}"),
            format!("page=1;{name}={CANARY}"),
        ] {
            // A keyed parameter keeps its whole value, whatever is in it, in a key of its own.
            let attack = get(&format!("{path}?{query}"), "");
            server.send(&attack).await;
        }
        let clean = server.get(&path).await;
        if clean.contains(CANARY) || clean.status != 200 {
            let _ = writeln!(wrong, "  {name}: {clean:?}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// A keyed input is seen by the handler, and has answers of its own.
#[tokio::test]
async fn keyed_inputs_reach_the_handler_and_nobody_else() {
    let server = Server::start().await;
    let page = server
        .send(&get(&format!("/cars/1?page={CANARY}"), ""))
        .await;
    assert!(page.contains(CANARY));
    let language = format!("accept-language: {CANARY}\r\n");
    assert!(
        server
            .send(&get("/cars/1", &language))
            .await
            .contains(CANARY)
    );
    assert!(!server.get("/cars/1").await.contains(CANARY));
    assert!(!server.get("/cars/1?page=1").await.contains(CANARY));
}

#pragma once

/// RFC 8448 section 3, "Simple 1-RTT Handshake": the secrets and the records after the handshake.
/// Its cipher suite is TLS_AES_128_GCM_SHA256.

#include <string_view>

namespace crolang::tls::testing::rfc8448 {

// {server} derive secret "tls13 c ap traffic" and "tls13 s ap traffic".
inline constexpr std::string_view kClientSecret =
    "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5";
inline constexpr std::string_view kServerSecret =
    "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643";

// {client} and {server} derive write traffic keys for application data.
inline constexpr std::string_view kClientKey = "17422dda596ed5d9acd890e3c63f5051";
inline constexpr std::string_view kClientIv = "5b78923dee08579033e523d9";
inline constexpr std::string_view kServerKey = "9f02283b6c9c07efc26bb9f2ac92e356";
inline constexpr std::string_view kServerIv = "cf782b88dd83549aadf1e984";

// {server} send handshake record: a NewSessionTicket, the server's record 0.
inline constexpr std::string_view kTicketRecord =
    "17030300de3a6b8f90414a97d6959c3487680de5134a2b240e6cffac116e95d41d6af8f6b580dcf3d11d63c758db28"
    "9a015940252f55713e061dc13e078891a38efbcf5753ad8ef170ad3c7353d16d9da773b9ca7f2b9fa1b6c0d4a3d03f"
    "75e09c30ba1e62972ac46f75f7b981be63439b2999ce13064615139891d5e4c5b406f16e3fc181a77ca475840025db"
    "2f0a77f81b5ab05b94c01346755f69232c86519d86cbeeac87aac347d143f9605d64f650db4d023e70e952ca49fe51"
    "37121c74bc2697687e248746d6df353005f3bce18696129c8153556b3b6c6779b37bf15985684f";

// {client} and {server} send application_data record: 50 bytes, the client's record 0 and the
// server's record 1.
inline constexpr std::string_view kPayload =
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e"
    "2f3031";
inline constexpr std::string_view kClientDataRecord =
    "1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9a20441e"
    "2b62974e1f5a6292a2977014bd1e3deae63aeebb21694915e4";
inline constexpr std::string_view kServerDataRecord =
    "17030300432e937e11ef4ac740e538ad36005fc4a46932fc3225d05f82aa1b36e30efaf97d90e6dffc602dcb501a59"
    "a8fcc49c4bf2e5f0a21c0047c2abf332540dd032e167c2955d";

// {client} and {server} send alert record: close_notify, records 1 and 2.
inline constexpr std::string_view kClientAlertRecord =
    "1703030013c9872760655666b74d7ff1153efd6db6d0b0e3";
inline constexpr std::string_view kServerAlertRecord =
    "1703030013b58fd67166ebf599d24720cfbe7efa7a8864a9";

}  // namespace crolang::tls::testing::rfc8448

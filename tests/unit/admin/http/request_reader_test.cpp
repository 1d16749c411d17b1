#include "admin/http/request_reader.hpp"

#include <gtest/gtest.h>

namespace crolang::admin::http {
namespace {

using Result = std::variant<Incomplete, Request, RequestFault>;

Result read(std::string bytes) {
  RequestReader reader;
  return reader.read(bytes);
}

unsigned status_of(const Result& result) {
  if (std::holds_alternative<Incomplete>(result)) return 0;
  const auto* fault = std::get_if<RequestFault>(&result);
  return fault == nullptr ? 200 : fault->status;
}

TEST(RequestReader, ReadsARequestByteByByte) {
  const std::string bytes =
      "POST /login?next=1 HTTP/1.1\r\nHost: localhost:9000\r\nOrigin: http://localhost:9000\r\n"
      "Authorization: Bearer abc\r\nCookie: a=1\r\nSec-Fetch-Site: none\r\nContent-Length: "
      "5\r\n\r\nhello";
  RequestReader reader;
  std::string in;
  for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
    in += bytes[i];
    ASSERT_EQ(status_of(reader.read(in)), 0u) << i;
  }
  in += bytes.back();
  const Result result = reader.read(in);
  const auto& request = std::get<Request>(result);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path, "/login");
  EXPECT_EQ(request.query, "next=1");
  EXPECT_EQ(request.host, "localhost:9000");
  EXPECT_EQ(request.origin, "http://localhost:9000");
  EXPECT_EQ(request.authorization, "Bearer abc");
  EXPECT_EQ(request.cookie, "a=1");
  EXPECT_EQ(request.fetch_site, "none");
  EXPECT_EQ(request.body, "hello");
  EXPECT_TRUE(request.keep_alive);
}

TEST(RequestReader, LeavesTheNextRequest) {
  std::string in = "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n";
  RequestReader first;
  EXPECT_EQ(std::get<Request>(first.read(in)).path, "/");
  RequestReader second;
  EXPECT_EQ(std::get<Request>(second.read(in)).path, "/b");
  EXPECT_TRUE(in.empty());
}

TEST(RequestReader, BoundsHeaderAndBody) {
  const std::string start = "GET / HTTP/1.1\r\nHost: a\r\n";
  EXPECT_EQ(status_of(read(start + "A: " + std::string(kMostHeaderBytes, 'x'))), 431u);
  std::string many = start;
  for (int i = 0; i < 4000; ++i) many += "a:b\r\n";
  EXPECT_EQ(status_of(read(many)), 431u);
  EXPECT_EQ(status_of(read("GET /" + std::string(kMostHeaderBytes, 'x'))), 431u);
  EXPECT_EQ(status_of(read(start + "Content-Length: 65537\r\n\r\n")), 413u);
  EXPECT_EQ(status_of(read(start + "Content-Length: 99999999999999999999\r\n\r\n")), 400u);
  std::string chunked = start + "Transfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 70; ++i) chunked += "400\r\n" + std::string(1024, 'x') + "\r\n";
  EXPECT_EQ(status_of(read(chunked)), 413u);
}

TEST(RequestReader, BoundsWhatSurroundsChunks) {
  const std::string start = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const char* endless : {"5;", "5;a=\"", "0;", "0\r\nA: "}) {
    RequestReader reader;
    std::string in = start + endless;
    unsigned status = 0;
    while (status == 0 && in.size() < std::size_t{1024} * 1024) {
      in.append(4096, 'x');
      status = status_of(reader.read(in));
    }
    EXPECT_EQ(status, 431u) << endless;
    EXPECT_LT(in.size(), 2 * kMostHeaderBytes) << endless;
  }
}

TEST(RequestReader, TrailersAreNoHeaders) {
  const std::string start =
      "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n";
  for (const char* trailer : {"Authorization: Bearer abc", "Cookie: a=1", "X: y", "Host: b"}) {
    EXPECT_EQ(status_of(read(start + trailer + "\r\n\r\n")), 400u) << trailer;
    // Also if it comes later.
    RequestReader reader;
    std::string in = start;
    ASSERT_EQ(status_of(reader.read(in)), 0u);
    in += std::string(trailer) + "\r\n\r\n";
    EXPECT_EQ(status_of(reader.read(in)), 400u) << trailer;
  }
}

TEST(RequestReader, ReadsAChunkedBody) {
  const Result result =
      read("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
  EXPECT_EQ(std::get<Request>(result).body, "abc");
}

TEST(RequestReader, RefusesWhatOthersMayReadDifferently) {
  for (const char* bytes : {
           "GET / HTTP/1.1\r\n\r\n",
           "GET / HTTP/1.0\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: x\r\nAuthorization: y\r\n\r\n",
           "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
           "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
           "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
           "GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
           "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n",
           "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
           "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
           "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
           "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
           "\x16\x03\x01\x02\x01\r\n\r\n",
       }) {
    EXPECT_EQ(status_of(read(bytes)), 400u) << bytes;
  }
  EXPECT_EQ(status_of(read("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n")), 501u);
}

}  // namespace
}  // namespace crolang::admin::http

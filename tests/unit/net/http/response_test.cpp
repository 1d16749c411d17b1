#include "net/http/response.hpp"

#include <gtest/gtest.h>

namespace crolang::net {
namespace {

TEST(MakeResponse, SaysHowLongItsBodyIs) {
  EXPECT_EQ(make_response(503, After::close, {"text/plain", "later"}, "Retry-After: 2\r\n").bytes,
            "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Type: text/plain\r\n"
            "Retry-After: 2\r\nContent-Length: 5\r\n\r\nlater");
}

TEST(BytesOf, AreAllOfTheResponse) {
  const Response r = make_response(200, After::close, {"text/plain", "later"});

  EXPECT_EQ(bytes_of(r), r.bytes);
}

TEST(BytesOf, KeepTheLengthOfABodyThatIsNotSent) {
  Response r = make_response(200, After::close, {"text/plain", "later"});
  r.part = Part::header;

  EXPECT_EQ(bytes_of(r),
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/plain\r\n"
            "Content-Length: 5\r\n\r\n");
}

TEST(Refused, KeepsTheResponseAndAddsWhy) {
  const Response r = refused(make_response(404, After::close), {RequestFault::path, "/x"});

  EXPECT_EQ(r.status, 404U);
  ASSERT_TRUE(r.refusal);
  EXPECT_EQ(r.refusal->fault, RequestFault::path);
  EXPECT_EQ(r.refusal->value, "/x");
}

}  // namespace
}  // namespace crolang::net

#include "reload/file_watch.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "unit/tls/certificates.hpp"

namespace crolang::reload {
namespace {

namespace fs = std::filesystem;
using Change = FileWatch::Change;

class FileWatchTest : public ::testing::Test {
 protected:
  FileWatchTest() { read(); }

  void read() { watch_.mark_read(watch_.look()); }

  /// Whether a change is noticed, and only at the second look at the same state.
  bool notices_a_change() {
    const FileWatch::Change first = watch_.check();
    const FileWatch::Change second = watch_.check();
    EXPECT_EQ(first == Change::recent, second == Change::settled);
    return second == Change::settled;
  }

  tls::testing::ScratchDirectory directory_;
  const std::string file_ = directory_.write("a", "one");
  FileWatch watch_{{file_, directory_.path("b")}};
};

TEST_F(FileWatchTest, NoticesNothingWhereNothingChanges) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(watch_.check(), Change::none);
}

TEST_F(FileWatchTest, NoticesAFileThatIsWrittenInPlace) {
  directory_.write("a", "longer");
  EXPECT_TRUE(notices_a_change());
}

TEST_F(FileWatchTest, NoticesAFileThatIsReplacedByOneOfTheSameSizeAndTime) {
  const auto time = fs::last_write_time(file_);
  directory_.write("new", "two");
  fs::last_write_time(directory_.path("new"), time);
  fs::rename(directory_.path("new"), file_);
  EXPECT_TRUE(notices_a_change());
}

TEST_F(FileWatchTest, NoticesAFileThatAppearsAndOneThatIsGone) {
  directory_.write("b", "");
  EXPECT_TRUE(notices_a_change());
  read();
  fs::remove(file_);
  EXPECT_TRUE(notices_a_change());
}

TEST_F(FileWatchTest, NoticesNewPermissions) {
  // The file system's clock ticks every few milliseconds.
  const auto before = watch_.look();
  while (watch_.look() == before) fs::permissions(file_, fs::perms::owner_read);
  EXPECT_TRUE(notices_a_change());
}

TEST_F(FileWatchTest, NoticesALinkThatPointsElsewhereAndAFolderThatIsReplaced) {
  // As Kubernetes does it: a -> ..data/a, ..data -> the folder of this version.
  fs::create_directory(directory_.path("v1"));
  fs::create_directory(directory_.path("v2"));
  directory_.write("v1/key", "1");
  directory_.write("v2/key", "2");
  fs::create_symlink("v1", directory_.path("data"));
  fs::create_symlink("data/key", directory_.path("key"));
  watch_ = FileWatch({directory_.path("key")});
  read();
  EXPECT_FALSE(notices_a_change());
  fs::create_symlink("v2", directory_.path("next"));
  fs::rename(directory_.path("next"), directory_.path("data"));
  EXPECT_TRUE(notices_a_change());
}

TEST_F(FileWatchTest, WaitsWhileTheFilesKeepChanging) {
  for (const char* text : {"12", "1234", "123456"}) {
    directory_.write("a", text);
    EXPECT_EQ(watch_.check(), Change::recent) << text;
  }
  EXPECT_EQ(watch_.check(), Change::settled);
}

TEST_F(FileWatchTest, ReportsAChangeUntilTheFilesHaveBeenRead) {
  directory_.write("a", "longer");
  EXPECT_TRUE(notices_a_change());
  EXPECT_EQ(watch_.check(), Change::settled);
  read();
  EXPECT_EQ(watch_.check(), Change::none);
}

TEST_F(FileWatchTest, NoticesWhatHasChangedWhileTheFilesWereRead) {
  FileWatch::States before = watch_.look();
  directory_.write("a", "longer");
  watch_.mark_read(std::move(before));
  EXPECT_TRUE(notices_a_change());
}

}  // namespace
}  // namespace crolang::reload

// A downloader: fetches files over HTTP/1.1, several at a time, each under a deadline.
//
//     downloader FOLDER AT_A_TIME URL...
//
// A file is there whole or not at all. What cannot be fetched is told at the end, and then the exit
// status is 1.
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <structio/structio.hpp>
#include <vector>

namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_bytes = std::size_t{1} << 30;

struct url {
  std::string host;
  std::uint16_t port = 80;
  std::string path;
};

url parse(std::string_view text) {
  constexpr std::string_view scheme = "http://";
  if (!text.starts_with(scheme)) throw std::invalid_argument("only http:// is understood");
  text.remove_prefix(scheme.size());
  url result;
  const auto slash = text.find('/');
  result.path = slash == text.npos ? "/" : std::string(text.substr(slash));
  std::string_view host = text.substr(0, slash);
  if (const auto colon = host.rfind(':'); colon != host.npos && host.back() != ']') {
    std::from_chars(host.data() + colon + 1, host.data() + host.size(), result.port);
    host = host.substr(0, colon);
  }
  result.host = host;
  return result;
}

std::size_t number(std::string_view text, int base) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end == text.data() || value > most_bytes) {
    throw std::runtime_error("a length that makes no sense");
  }
  return value;
}

struct answer_head {
  int status = 0;
  std::optional<std::size_t> length;
  bool chunked = false;
};

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return result;
}

answer_head read_head(structio::buffered_reader& reader) {
  const auto first = reader.receive_line();
  if (!first || first->size() < 12 || !first->starts_with("HTTP/1.")) {
    throw std::runtime_error("no HTTP/1.1 answer");
  }
  answer_head head;
  head.status = static_cast<int>(number(first->substr(9, 3), 10));
  for (auto line = reader.receive_line(); line && !line->empty(); line = reader.receive_line()) {
    const auto colon = line->find(':');
    if (colon == line->npos) continue;
    const std::string name = lower(line->substr(0, colon));
    std::string_view value = line->substr(colon + 1);
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    if (name == "content-length") head.length = number(value, 10);
    if (name == "transfer-encoding") head.chunked = lower(value) == "chunked";
  }
  return head;
}

std::string_view must_come(std::optional<std::string_view> piece) {
  if (!piece) throw std::runtime_error("the connection ended too early");
  return *piece;
}

std::string read_body(structio::buffered_reader& reader, const answer_head& head) {
  std::string body;
  if (head.chunked) {
    for (;;) {
      const std::size_t size = number(must_come(reader.receive_line()), 16);
      if (size == 0) return body;
      body += must_come(reader.receive_exactly(size));
      must_come(reader.receive_line());
      if (body.size() > most_bytes) throw std::runtime_error("too long");
    }
  }
  if (head.length) return std::string(must_come(reader.receive_exactly(*head.length)));
  std::vector<std::byte> buffer(65536);  // until the end of the connection
  while (const auto got = reader.receive_some(buffer)) {
    body.append(reinterpret_cast<const char*>(buffer.data()), got);
    if (body.size() > most_bytes) throw std::runtime_error("too long");
  }
  return body;
}

std::string fetch(const url& from) {
  structio::tcp_stream conn = structio::connect_tcp(from.host, from.port);
  conn.send_all("GET " + from.path + " HTTP/1.1\r\nHost: " + from.host +
                "\r\nConnection: close\r\n\r\n");
  structio::buffered_reader reader(conn);
  const answer_head head = read_head(reader);
  if (head.status != 200) {
    throw std::runtime_error("the server answered with status " + std::to_string(head.status));
  }
  return read_body(reader, head);
}

struct job {
  std::string from;
  std::filesystem::path to;
};

// Why it failed; empty when it did not.
std::string download(const job& one) {
  try {
    const std::string body = structio::fail_after(60s, [&] { return fetch(parse(one.from)); });
    structio::write_file(one.to, body);  // atomically: whole or not at all
    std::printf("%s: %zu bytes\n", one.to.filename().c_str(), body.size());
    return {};
  } catch (const std::exception& e) {
    return e.what();
  }
}

bool download_all(const std::vector<job>& jobs, std::size_t at_a_time) {
  const auto failures = structio::map_concurrent(jobs, at_a_time, download);
  bool all = true;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (failures[i].empty()) continue;
    std::fprintf(stderr, "downloader: %s: %s\n", jobs[i].from.c_str(), failures[i].c_str());
    all = false;
  }
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4 || std::atoi(argv[2]) < 1) {
    std::fprintf(stderr, "usage: downloader FOLDER AT_A_TIME URL...\n");
    return EXIT_FAILURE;
  }
  std::vector<job> jobs;
  for (int i = 3; i < argc; ++i) {
    const std::string from = argv[i];
    jobs.push_back({from, std::filesystem::path(argv[1]) / from.substr(from.rfind('/') + 1)});
  }
  bool all = false;
  try {
    structio::run([&] { all = download_all(jobs, static_cast<std::size_t>(std::atoi(argv[2]))); });
  } catch (const structio::exception_group& group) {
    std::fprintf(stderr, "downloader: %s", to_string(group).c_str());
  }
  return all ? EXIT_SUCCESS : EXIT_FAILURE;
}

// Certificates for tests, made in the process by OpenSSL: an authority, and what it signs.
#pragma once

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

#include "support/catch.hpp"

namespace certificates {

template <auto Free>
struct freeing {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};

using key_ptr = std::unique_ptr<EVP_PKEY, freeing<EVP_PKEY_free>>;
using x509_ptr = std::unique_ptr<X509, freeing<X509_free>>;
using bio_ptr = std::unique_ptr<BIO, freeing<BIO_free>>;

inline std::string text_of(BIO* from) {
  const char* data = nullptr;
  const auto size = BIO_get_mem_data(from, &data);
  return std::string(data, static_cast<std::size_t>(size));
}

/// A certificate with its key, as PEM.
struct pem {
  std::string certificate;
  std::string key;
};

/// What a certificate says. `names` is a subjectAltName in OpenSSL's words.
struct wanted {
  std::string subject = "localhost";
  std::string names = "DNS:localhost,IP:127.0.0.1";
  long from_now = 3600;  ///< seconds until it expires; negative: it has
  bool authority = false;
};

/// Signs certificates; `self` is what has to be trusted for them to be.
class authority {
 public:
  explicit authority(const std::string& name = "structio test authority")
      : key_(make_key()), certificate_(make({name, "", 3600, true}, *key_, nullptr)) {}

  std::string self() const { return text(*certificate_); }

  pem sign(const wanted& what = {}) const {
    const key_ptr key = make_key();
    const x509_ptr made = make(what, *key, this);
    return {text(*made), text(*key)};
  }

  /// One that vouches for itself.
  static pem self_signed(const wanted& what = {}) {
    const key_ptr key = make_key();
    const x509_ptr made = make(what, *key, nullptr);
    return {text(*made), text(*key)};
  }

 private:
  static key_ptr make_key() {
    key_ptr key(EVP_EC_gen("P-256"));
    REQUIRE(key);
    return key;
  }

  static void extend(X509& to, X509& issuer, int kind, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, &issuer, &to, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
    REQUIRE(extension);
    X509_add_ext(&to, extension, -1);
    X509_EXTENSION_free(extension);
  }

  static x509_ptr make(const wanted& what, EVP_PKEY& key, const authority* by) {
    static long serial = 1;
    x509_ptr made(X509_new());
    X509_set_version(made.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), serial++);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -7200);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), what.from_now);
    X509_NAME* subject = X509_get_subject_name(made.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(what.subject.c_str()), -1, -1,
                               0);
    X509& issuer = by ? *by->certificate_ : *made;
    X509_set_issuer_name(made.get(), X509_get_subject_name(&issuer));
    X509_set_pubkey(made.get(), &key);
    extend(*made, issuer, NID_basic_constraints,
           what.authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (!what.names.empty()) extend(*made, issuer, NID_subject_alt_name, what.names);
    REQUIRE(X509_sign(made.get(), by ? by->key_.get() : &key, EVP_sha256()) > 0);
    return made;
  }

  static std::string text(X509& of) {
    const bio_ptr to(BIO_new(BIO_s_mem()));
    PEM_write_bio_X509(to.get(), &of);
    return text_of(to.get());
  }
  static std::string text(EVP_PKEY& of) {
    const bio_ptr to(BIO_new(BIO_s_mem()));
    PEM_write_bio_PrivateKey(to.get(), &of, nullptr, nullptr, 0, nullptr, nullptr);
    return text_of(to.get());
  }

  key_ptr key_;
  x509_ptr certificate_;
};

}  // namespace certificates

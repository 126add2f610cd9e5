#ifndef ROCKETPUSH_TESTS_SUPPORT_CERTIFICATES_HPP
#define ROCKETPUSH_TESTS_SUPPORT_CERTIFICATES_HPP

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstring> // EVP_EC_gen wants it
#include <memory>
#include <stdexcept>
#include <string>

namespace rocketpush::test {

/// A certificate and its key, in PEM.
struct identity {
    std::string certificate;
    std::string key;
};

/// What a certificate says. Times are of ASN.1, as `20000101000000Z`.
struct certificate_wish {
    std::string names =
        "DNS:localhost,IP:127.0.0.1,IP:::1"; ///< Alternative names, as in OpenSSL's configuration; empty: none.
    std::string common = "rocketpush test";
    std::string begins = "20000101000000Z";
    std::string ends   = "21000101000000Z";
    std::string usage  = "serverAuth,clientAuth";
};

/// A CA that lives as long as the test, and issues what it is told to.
class certificate_authority {
  public:
    explicit certificate_authority(const std::string& name = "rocketpush test CA")
        : key_(make_key()), own_(X509_new(), X509_free) {
        certificate_wish wish{.names = "", .common = name, .usage = ""};
        fill(own_.get(), wish, key_.get(), X509_get_subject_name(own_.get()));
        extend(own_.get(), NID_basic_constraints, "critical,CA:TRUE");
        extend(own_.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
        sign(own_.get());
    }

    /// Its own certificate: what clients are to trust.
    std::string pem() const { return text(own_.get()); }

    identity issue(const certificate_wish& wish = {}) const {
        const auto key = make_key();
        const std::shared_ptr<X509> made(X509_new(), X509_free);
        fill(made.get(), wish, key.get(), X509_get_subject_name(own_.get()));
        if (!wish.names.empty())
            extend(made.get(), NID_subject_alt_name, wish.names);
        if (!wish.usage.empty())
            extend(made.get(), NID_ext_key_usage, wish.usage);
        sign(made.get());
        return {text(made.get()), key_text(key.get(), {})};
    }

    /// The same key, encrypted.
    static std::string lock(const std::string& key_pem, const std::string& password) {
        const std::shared_ptr<BIO> bio(BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size())), BIO_free);
        const std::shared_ptr<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr),
                                            EVP_PKEY_free);
        return key_text(key.get(), password);
    }

  private:
    static void need(bool done) {
        if (!done)
            throw std::runtime_error("OpenSSL does not make a certificate");
    }

    static std::shared_ptr<EVP_PKEY> make_key() {
        const std::shared_ptr<EVP_PKEY> key(EVP_EC_gen("P-256"), EVP_PKEY_free); // quickly made
        need(key != nullptr);
        return key;
    }

    static void fill(X509* certificate, const certificate_wish& wish, EVP_PKEY* key, const X509_NAME* issuer) {
        static long serial = 0;
        X509_set_version(certificate, X509_VERSION_3);
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
        need(ASN1_TIME_set_string(X509_getm_notBefore(certificate), wish.begins.c_str()) == 1);
        need(ASN1_TIME_set_string(X509_getm_notAfter(certificate), wish.ends.c_str()) == 1);
        X509_set_pubkey(certificate, key);
        X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                                   reinterpret_cast<const unsigned char*>(wish.common.c_str()), -1, -1, 0);
        X509_set_issuer_name(certificate, issuer);
    }

    static void extend(X509* certificate, int extension, const std::string& value) {
        X509_EXTENSION* const made = X509V3_EXT_conf_nid(nullptr, nullptr, extension, value.c_str());
        need(made != nullptr);
        X509_add_ext(certificate, made, -1);
        X509_EXTENSION_free(made);
    }

    void sign(X509* certificate) const { need(X509_sign(certificate, key_.get(), EVP_sha256()) > 0); }

    static std::string drain(BIO* bio) {
        char* data     = nullptr;
        const auto all = BIO_get_mem_data(bio, &data);
        return std::string(data, static_cast<std::size_t>(all));
    }
    static std::string text(X509* certificate) {
        const std::shared_ptr<BIO> bio(BIO_new(BIO_s_mem()), BIO_free);
        need(PEM_write_bio_X509(bio.get(), certificate) == 1);
        return drain(bio.get());
    }
    static std::string key_text(EVP_PKEY* key, const std::string& password) {
        const std::shared_ptr<BIO> bio(BIO_new(BIO_s_mem()), BIO_free);
        auto* const phrase = reinterpret_cast<unsigned char*>(const_cast<char*>(password.c_str()));
        need(PEM_write_bio_PrivateKey(bio.get(), key, password.empty() ? nullptr : EVP_aes_256_cbc(),
                                      password.empty() ? nullptr : phrase, static_cast<int>(password.size()), nullptr,
                                      nullptr) == 1);
        return drain(bio.get());
    }

    std::shared_ptr<EVP_PKEY> key_;
    std::shared_ptr<X509> own_;
};

} // namespace rocketpush::test

#endif

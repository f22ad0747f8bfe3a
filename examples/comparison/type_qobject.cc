// SPDX-License-Identifier: GPL-2.0-or-later
// The type of type_qomio.cc with QObject. moc reads this file.
#include <QObject>
#include <QVariant>
#include <cstdio>

class TokenBucket : public QObject {
  Q_OBJECT
  Q_PROPERTY(qint64 rate READ rate WRITE set_rate NOTIFY rate_changed)
  Q_PROPERTY(qint64 tokens READ tokens)

 public:
  qint64 rate() const { return rate_; }
  void set_rate(qint64 rate) {
    if (rate < 1 || rate > 1'000'000 || rate == rate_) return;  // there is no way to refuse a value
    rate_ = rate;
    emit rate_changed();
  }
  qint64 tokens() const { return tokens_; }

 signals:
  void rate_changed();

 private:
  qint64 rate_ = 100;
  qint64 tokens_ = 0;
};

int main() {
  TokenBucket bucket;
  bucket.setProperty("rate", 0);  // true: the property exists
  std::printf("rate %lld\n", bucket.property("rate").toLongLong());
}

#include "type_qobject.moc"

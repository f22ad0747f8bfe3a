// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tests/bench/qobject_contender.h"

#include <QObject>
#include <QString>
#include <QVariant>

#include "qomio/tests/bench/compare.h"

class QThing : public QObject {
  Q_OBJECT
  Q_PROPERTY(qint64 number MEMBER number_)
  Q_PROPERTY(bool flag MEMBER flag_)
  Q_PROPERTY(QString text MEMBER text_)

 private:
  qint64 number_ = 0;
  bool flag_ = false;
  QString text_;
};

namespace qomio::bench {
namespace {

QThing& thing() {
  static QThing thing;
  return thing;
}

void create(std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    auto* made = new QThing;
    keep(made);
    delete made;
  }
}

void create_with_properties(std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    auto* made = new QThing;
    made->setProperty("number", qint64{7});
    made->setProperty("flag", true);
    made->setProperty("text", QStringLiteral("hello"));
    delete made;
  }
}

void set(std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) thing().setProperty("number", qint64{i});
}

void get(std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) keep(thing().property("number").toLongLong());
}

void cast(std::int64_t count) {
  QObject* object = &thing();
  for (std::int64_t i = 0; i < count; ++i) {
    keep(object);
    keep(qobject_cast<QThing*>(object));
  }
}

}  // namespace

const QObjectContender& qobject_contender() {
  static const QObjectContender contender{create, create_with_properties, set, get, cast};
  return contender;
}

}  // namespace qomio::bench

#include "qobject_contender.moc"

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

// Makes a type of yours a value that clients can read and set: of a property, of a member of a described
// struct, of a list. Specialise ValueTraits to convert it to and from a type that visit() accepts:
//
//     template <>
//     struct qomio::ValueTraits<Colour> {
//       using Wire = std::string;                              // what crosses the control boundary
//       static constexpr std::string_view type_name = "colour";   // what help calls it; may be left out
//       static std::string to_wire(const Colour& colour);
//       static Result<Colour> from_wire(const std::string& text) {
//         ...
//         return error("expects a colour such as #ffa500, not '{}'", text);
//       }
//     };
//
// - The library puts `Parameter 'lamp.colour' ` in front of the error of from_wire(), so the error only says
//   what is expected.
// - type_name is for a Wire that is a number, a flag or text. Other values have the name of their Wire.
// - The type has a default constructor and can be copied.
// - The functions are called in the thread that visits: for properties and commands, the main thread.
//
// A value may have another form where people write text, as on the command line and in qomctl:
//
//       static std::string to_text(const Delay& delay);                 // "20ms"
//       static Result<Delay> from_text(const std::string& text);        // errors as those of from_wire()
//
// The specialisation must be known wherever the type is described: put it beside the type.
//
// The library has specialisations for these types of the standard library:
//
// - std::chrono durations in ns, us, ms, s, min, h or days. A client sends the number of these units, an
//   integer if the duration counts integers; the type is called `milliseconds` and so on. Text may have a
//   unit (ns, us, ms, s, min, h, d) and a fraction: milliseconds are `20`, `20ms`, `1.5s`. Errors: text with
//   another unit, or that is no whole number of the duration's units.
// - std::filesystem::path: a string. Errors: it contains a NUL character.
// - float: a number. Errors: it is too large.
// - std::array<T, N>: a list. Errors: it has not N elements.
namespace qomio {

template <class T>
struct ValueTraits;

}  // namespace qomio

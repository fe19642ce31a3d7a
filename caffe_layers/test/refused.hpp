#ifndef DRDL_TEST_REFUSED_HPP_
#define DRDL_TEST_REFUSED_HPP_

#include <string>

#include "drdl/input_error.hpp"
#include "gtest/gtest.h"

/// That the statement throws an InputError whose three parts hold the text.
#define EXPECT_REFUSED(statement, text)                                \
  try {                                                                \
    statement;                                                         \
    ADD_FAILURE() << #statement << " was not refused";                 \
  } catch (const drdl::InputError& error) {                            \
    EXPECT_NE(std::string(error.what()).find(text), std::string::npos) \
        << error.what();                                               \
  }

#endif  // DRDL_TEST_REFUSED_HPP_

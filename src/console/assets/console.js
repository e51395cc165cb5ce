// Pages stay current by themselves. Without this script they work all the same.
"use strict";

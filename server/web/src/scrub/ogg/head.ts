// Where things stand in the head of a page.
export const oggFlags = 5;
export const oggGranule = 6;
export const oggSerial = 14;
export const oggSeq = 18;
export const oggSum = 22;
export const oggSegs = 26;
export const oggHeadLen = 27;

// Flags of a page.
export const oggContinued = 1;
export const oggFirst = 2;
export const oggLast = 4;

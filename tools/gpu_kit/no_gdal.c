/* A GDAL that knows no format. OpenCV asks GDAL about images that nothing else can
 * read; the real one brings 100 libraries and 120 MB. All that OpenCV calls before it
 * has an answer returns nothing here, and the rest is never called.
 *
 *   cc -shared -fPIC -DNAMES="F(a) F(b)" -Wl,-soname,libgdal.so.32 no_gdal.c
 */
#define F(name) \
  void* name(void) { return 0; }
NAMES

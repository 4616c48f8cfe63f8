# Slicer writes the extension's description here and prepares the package; both stand on these variables.
record(steps "package")
record(name "${EXTENSION_NAME}")
foreach(name HOMEPAGE CATEGORY CONTRIBUTORS DESCRIPTION ICONURL SCREENSHOTURLS DEPENDS)
  record("EXTENSION_${name}" "${EXTENSION_${name}}")
endforeach()

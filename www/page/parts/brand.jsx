// Whose page this is.

import { t } from "../texts.js";

export function Brand() {
  return (
    <p class="product">
      <img src="/gatepass/icon.svg" alt="" width="28" height="28" /> {t("product")}
    </p>
  );
}

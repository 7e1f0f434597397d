/** The feed's schema: CSDL 4.0 in XML. */
export const METADATA = `<?xml version="1.0" encoding="utf-8"?>
<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">
  <edmx:DataServices>
    <Schema Namespace="Gatepass.Demo" xmlns="http://docs.oasis-open.org/odata/ns/edm">
      <EntityType Name="Job">
        <Key>
          <PropertyRef Name="Id"/>
        </Key>
        <Property Name="Id" Type="Edm.Int32" Nullable="false"/>
        <Property Name="Name" Type="Edm.String" Nullable="false"/>
        <Property Name="Description" Type="Edm.String" Nullable="false"/>
        <Property Name="Creator" Type="Edm.String" Nullable="false"/>
        <Property Name="CreatedDate" Type="Edm.DateTimeOffset" Nullable="false" Precision="3"/>
        <Property Name="Type" Type="Edm.String" Nullable="false"/>
        <Property Name="Folders" Type="Edm.Int32" Nullable="false"/>
        <Property Name="Path" Type="Edm.String" Nullable="false"/>
      </EntityType>
      <EntityContainer Name="Container">
        <EntitySet Name="Jobs" EntityType="Gatepass.Demo.Job"/>
      </EntityContainer>
    </Schema>
  </edmx:DataServices>
</edmx:Edmx>
`;
